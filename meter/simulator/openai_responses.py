"""OpenAI's Responses: plain, streamed, in the background, cut short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meter.simulator.openai_chat import tier
from meter.simulator.wire import Ask, Json, Reply, frame, present, streamed

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def responses(ask: Ask) -> Reply:
    """Answer POST /responses. In the background the answer is queued, and retrieving it finds it complete."""
    if ask.streams:
        return streamed(_frames(ask))
    if ask.body.get("background"):
        return Reply(_queued(ask))
    return Reply(final(ask))


def input_tokens(ask: Ask) -> Reply:
    """Answer POST /responses/input_tokens."""
    return Reply({"object": "response.input_tokens", "input_tokens": ask.counts.input + ask.counts.cache_read})


def usage(ask: Ask) -> Any:
    """Return the usage object: the same sums as chat, under other names."""
    counts = ask.counts
    total_input = counts.input + counts.cache_read
    total_output = counts.output + counts.reasoning
    return ask.stated(
        {
            "input_tokens": total_input,
            "input_tokens_details": {"cached_tokens": counts.cache_read},
            "output_tokens": total_output,
            "output_tokens_details": {"reasoning_tokens": counts.reasoning},
            "total_tokens": total_input + total_output,
        }
    )


def final(ask: Ask) -> Json:
    """Return the finished response object: completed, or incomplete with its reason."""
    reason = INCOMPLETE.get(ask.finish)
    body = _object(ask, "incomplete" if reason else "completed") | {
        "completed_at": None if reason else ask.created,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": [_item(ask)],
        "service_tier": tier(ask),
        "usage": usage(ask),
    }
    if searches := ask.counts.web_searches:
        body["tool_usage"] = {"web_search": {"num_requests": searches}}
    return present(body)


def _queued(ask: Ask) -> Json:
    return _object(ask, "queued")


def _object(ask: Ask, status: str) -> Json:
    body = ask.body
    return {
        "id": f"resp_{ask.token}",
        "object": "response",
        "created_at": ask.created,
        "status": status,
        "background": bool(body.get("background")),
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": ask.served_model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "service_tier": body.get("service_tier") or "auto",
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
    }


def _part(text: str) -> Json:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _item(ask: Ask) -> Json:
    if ask.tool:
        call = {
            "type": "function_call",
            "call_id": f"call_{ask.token[:24]}",
            "name": ask.tool["name"],
            "arguments": "{}",
        }
        return {"id": f"fc_{ask.token}", "status": "completed", **call}
    content = [_part("".join(ask.pieces))]
    return {"id": f"msg_{ask.token}", "type": "message", "status": "completed", "role": "assistant", "content": content}


def _frames(ask: Ask) -> Iterator[bytes]:
    for number, (event, data) in enumerate(_events(ask)):
        yield frame({"type": event, **data, "sequence_number": number}, event)


def _events(ask: Ask) -> Iterator[tuple[str, Json]]:
    started = {"response": _object(ask, "in_progress")}
    yield "response.created", started
    yield "response.in_progress", started
    yield from _call_events(ask) if ask.tool else _text_events(ask)
    end = final(ask)
    yield f"response.{end['status']}", {"response": end}


def _text_events(ask: Ask) -> Iterator[tuple[str, Json]]:
    item = _item(ask)
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    text = item["content"][0]["text"]
    yield "response.output_item.added", {"output_index": 0, "item": item | {"status": "in_progress", "content": []}}
    yield "response.content_part.added", place | {"part": _part("")}
    for piece in ask.pieces:
        yield "response.output_text.delta", place | {"delta": piece, "logprobs": []}
    yield "response.output_text.done", place | {"text": text, "logprobs": []}
    yield "response.content_part.done", place | {"part": item["content"][0]}
    yield "response.output_item.done", {"output_index": 0, "item": item}


def _call_events(ask: Ask) -> Iterator[tuple[str, Json]]:
    item = _item(ask)
    place = {"item_id": item["id"], "output_index": 0}
    yield "response.output_item.added", {"output_index": 0, "item": item | {"status": "in_progress", "arguments": ""}}
    for piece in ("{", "}"):
        yield "response.function_call_arguments.delta", place | {"delta": piece}
    yield "response.function_call_arguments.done", place | {"arguments": "{}", "name": item["name"]}
    yield "response.output_item.done", {"output_index": 0, "item": item}
