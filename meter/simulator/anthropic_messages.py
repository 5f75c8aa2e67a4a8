"""Anthropic's messages, beta messages and token counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meter.simulator.wire import ABSENT, Ask, Json, Reply, frame, present, streamed

STOP = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
PLACEHOLDER = 1
"""Output tokens that `message_start` states: a number the stream later replaces."""


def messages(ask: Ask) -> Reply:
    """Answer POST /v1/messages; the beta call differs in its query only."""
    if ask.streams:
        return streamed(frame({"type": event, **data}, event) for event, data in _events(ask))
    return Reply(_message(ask, _content(ask), _stop(ask), usage(ask)))


def count_tokens(ask: Ask) -> Reply:
    """Answer POST /v1/messages/count_tokens."""
    return Reply({"input_tokens": ask.counts.input + ask.counts.cache_read + ask.counts.cache_write})


def usage(ask: Ask) -> Any:
    """Return the usage object: input stands beside the cache, output includes the thinking."""
    counts = ask.counts
    fields: Json = {
        "input_tokens": counts.input,
        "cache_creation_input_tokens": counts.cache_write,
        "cache_read_input_tokens": counts.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counts.cache_write_5m,
            "ephemeral_1h_input_tokens": counts.cache_write_1h,
        },
        "output_tokens": counts.output + counts.reasoning,
        "server_tool_use": {"web_search_requests": counts.web_searches} if counts.web_searches else ABSENT,
        "output_tokens_details": {"thinking_tokens": counts.reasoning} if counts.reasoning else ABSENT,
        "service_tier": ask.tier or "standard",
    }
    return ask.stated(present(fields))


def _message(ask: Ask, content: list[Json], stop: str | None, stated: Any) -> Json:
    return present(
        {
            "id": f"msg_01{ask.token[:22]}",
            "type": "message",
            "role": "assistant",
            "model": ask.served_model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": stated,
        }
    )


def _stop(ask: Ask) -> str:
    return "tool_use" if ask.tool and ask.finish == "stop" else STOP[ask.finish]


def _content(ask: Ask) -> list[Json]:
    return [_use(ask) if ask.tool else {"type": "text", "text": "".join(ask.pieces)}]


def _use(ask: Ask) -> Json:
    return {"type": "tool_use", "id": f"toolu_01{ask.token[:22]}", "name": (ask.tool or {})["name"], "input": {}}


def _events(ask: Ask) -> Iterator[tuple[str, Json]]:
    first, last = _stream_usage(usage(ask))
    yield "message_start", {"message": _message(ask, [], None, first)}
    yield "content_block_start", {"index": 0, "content_block": _use(ask) if ask.tool else {"type": "text", "text": ""}}
    yield "ping", {}
    for delta in _deltas(ask):
        yield "content_block_delta", {"index": 0, "delta": delta}
    yield "content_block_stop", {"index": 0}
    yield "message_delta", present({"delta": {"stop_reason": _stop(ask), "stop_sequence": None}, "usage": last})
    yield "message_stop", {}


def _deltas(ask: Ask) -> Iterator[Json]:
    if ask.tool:
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in ("", "{", "}"))
    else:
        yield from ({"type": "text_delta", "text": piece} for piece in ask.pieces)


def _stream_usage(stated: Any) -> tuple[Any, Any]:
    """Split usage as a stream does: a placeholder output at the start, cumulative counts without TTLs at the end."""
    if not isinstance(stated, dict) or "output_tokens" not in stated:
        return stated, stated
    first = {key: value for key, value in stated.items() if key not in ("server_tool_use", "output_tokens_details")}
    last = {key: value for key, value in stated.items() if key not in ("cache_creation", "service_tier")}
    return first | {"output_tokens": PLACEHOLDER}, last
