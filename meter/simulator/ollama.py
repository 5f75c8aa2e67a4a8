"""Ollama's own wire: lines of JSON, of which the last states the counts."""

from __future__ import annotations

import json
from collections.abc import Callable

from meter.simulator.openai_chat import VECTOR
from meter.simulator.wire import Ask, Json, Reply

Say = Callable[[str], Json]

CREATED = "2026-01-01T00:00:00.000000Z"


def chat(ask: Ask) -> Reply:
    """Answer POST /api/chat."""
    return _reply(ask, lambda text: {"message": {"role": "assistant", "content": text}})


def generate(ask: Ask) -> Reply:
    """Answer POST /api/generate."""
    return _reply(ask, lambda text: {"response": text})


def embed(ask: Ask) -> Reply:
    """Answer POST /api/embed."""
    asked = ask.body.get("input")
    vectors = [list(VECTOR) for _ in (asked if isinstance(asked, list) else [asked])]
    stated = ask.stated({"prompt_eval_count": ask.counts.input, "total_duration": 7_000, "load_duration": 1_000})
    return Reply({"model": ask.model, "embeddings": vectors, **stated})


def _reply(ask: Ask, said: Say) -> Reply:
    head: Json = {"model": ask.model, "created_at": CREATED}
    durations = {"total_duration": 9_000, "load_duration": 1_000, "prompt_eval_duration": 2_000, "eval_duration": 6_000}
    counts = {"prompt_eval_count": ask.counts.input, "eval_count": ask.counts.output}
    last = {"done": True, "done_reason": ask.finish, **ask.stated({**durations, **counts})}
    if ask.body.get("stream") is False:
        return Reply({**head, **said("".join(ask.pieces)), **last})
    lines = [*({**head, **said(piece), "done": False} for piece in ask.pieces), {**head, **said(""), **last}]
    return Reply(frames=[json.dumps(line).encode() + b"\n" for line in lines], content_type="application/x-ndjson")
