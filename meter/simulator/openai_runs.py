"""Runs of OpenAI's assistants: begun, streamed, stopped for a tool's outputs, and looked at when they are over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from meter.simulator.openai_chat import usage
from meter.simulator.wire import Ask, Json, Reply, streamed

ENDS = {"length": "incomplete", "content_filter": "failed"}


def create(ask: Ask) -> Reply:
    """Answer POST /threads/runs and /threads/{id}/runs. One with tools stops and asks for their outputs."""
    if ask.streams:
        return streamed(_frames(ask, f"run_{ask.token}"))
    return Reply(_run(ask, f"run_{ask.token}", "queued"))


def go_on(ask: Ask) -> Reply:
    """Answer POST /threads/{id}/runs/{id}/submit_tool_outputs."""
    name = ask.path.split("/")[-2]
    if ask.streams:
        return streamed(_frames(ask, name))
    return Reply(_run(ask, name, "completed"))


def final(ask: Ask) -> Json:
    """Return the run as it is when it is looked at later."""
    return _run(ask, f"run_{ask.token}", ENDS.get(ask.finish, "completed"))


def _run(ask: Ask, name: str, status: str) -> Json:
    over = status in ("completed", *ENDS.values())
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": []}}
    error = {"code": "server_error", "message": "none"}
    return {
        "id": name,
        "object": "thread.run",
        "created_at": ask.created,
        "thread_id": "thread_1",
        "assistant_id": "asst_1",
        "status": status,
        "required_action": action if status == "requires_action" else None,
        "last_error": error if status == "failed" else None,
        "model": ask.served_model or "gpt-4o-mini-2024-07-18",
        "tools": [],
        "usage": _usage(ask) if over else None,
    }


def _usage(ask: Ask) -> Any:
    stated = usage(ask)
    if isinstance(stated, dict) and "prompt_tokens_details" in stated:
        stated["prompt_token_details"] = stated.pop("prompt_tokens_details")
    return stated


def _frames(ask: Ask, name: str) -> Iterator[bytes]:
    yield _frame("thread.run.created", _run(ask, name, "queued"))
    yield _frame("thread.run.in_progress", _run(ask, name, "in_progress"))
    message = {"id": "msg_1", "object": "thread.message", "role": "assistant", "status": "in_progress", "content": []}
    yield _frame("thread.message.created", {**message, "thread_id": "thread_1", "run_id": name})
    for piece in ask.pieces:
        content = [{"index": 0, "type": "text", "text": {"value": piece}}]
        yield _frame(
            "thread.message.delta", {"id": "msg_1", "object": "thread.message.delta", "delta": {"content": content}}
        )
    step = {"id": "step_1", "object": "thread.run.step", "run_id": name, "type": "message_creation"}
    yield _frame("thread.run.step.created", {**step, "status": "in_progress", "usage": None})
    yield _frame("thread.run.step.completed", {**step, "status": "completed", "usage": _usage(ask)})
    status = "requires_action" if ask.body.get("tools") else ENDS.get(ask.finish, "completed")
    yield _frame(f"thread.run.{status}", _run(ask, name, status))
    yield b"event: done\ndata: [DONE]\n\n"


def _frame(event: str, data: Json) -> bytes:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n".encode()
