"""Google's interactions: plain, streamed, and in the background."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from meter.simulator.wire import Ask, Json, Reply, frame, present, streamed


def create(ask: Ask) -> Reply:
    """Answer POST /interactions. In the background it is under way, and retrieving it finds it complete."""
    if ask.streams:
        return streamed(_frames(ask))
    return Reply(_object(ask, "in_progress") if ask.body.get("background") else final(ask))


def decide(ask: Ask) -> Reply:
    """Answer POST /decisions."""
    return Reply(present({"answers": {}, "usage": usage(ask)}))


def final(ask: Ask) -> Json:
    """Return the interaction as it is at its end."""
    text = "".join(ask.pieces)
    steps = [{"type": "model_output", "content": [{"type": "text", "text": text}]}]
    return present(_object(ask, "completed") | {"steps": steps, "usage": usage(ask)})


def usage(ask: Ask) -> Any:
    """Return the usage object: the input includes the cached, the thoughts stand beside the output."""
    counts = ask.counts
    total = counts.input + counts.cache_read
    return ask.stated(
        {
            "total_tokens": total + counts.output + counts.reasoning,
            "total_input_tokens": total,
            "input_tokens_by_modality": [{"modality": "text", "tokens": total}],
            "total_cached_tokens": counts.cache_read,
            "total_output_tokens": counts.output,
            "total_tool_use_tokens": 0,
            "total_thought_tokens": counts.reasoning,
        }
    )


def _object(ask: Ask, status: str) -> Json:
    made = datetime.fromtimestamp(ask.created, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {"agent": ask.body["agent"]} if "agent" in ask.body else {"model": ask.model}
    return {
        "id": f"interaction-{ask.token}",
        "object": "interaction",
        "status": status,
        "role": "model",
        "created": made,
        "updated": made,
        **asked,
    }


def _frames(ask: Ask) -> Iterator[bytes]:
    for kind, data in _events(ask):
        yield frame({"event_type": kind, **data}, kind)
    yield b"event: done\ndata: [DONE]\n\n"


def _events(ask: Ask) -> Iterator[tuple[str, Json]]:
    yield "interaction.created", {"interaction": _object(ask, "in_progress")}
    yield "step.start", {"index": 0, "step": {"type": "model_output"}}
    for piece in ask.pieces:
        yield "step.delta", {"index": 0, "delta": {"type": "text", "text": piece}}
    yield "step.stop", {"index": 0}
    yield "interaction.completed", {"interaction": final(ask)}
