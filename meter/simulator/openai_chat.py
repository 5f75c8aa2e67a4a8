"""OpenAI's chat completions, legacy completions and embeddings."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

from meter.simulator.wire import ABSENT, Ask, Json, Reply, frame, present, streamed

DONE = b"data: [DONE]\n\n"
VECTOR = (0.25, -0.5, 0.125, 1.0, 0.0, -0.75, 0.5, -0.125)
FINISH = {"stop": "stop", "length": "length", "content_filter": "content_filter"}


def chat(ask: Ask) -> Reply:
    """Answer POST /chat/completions."""
    if ask.streams:
        return streamed(_chat_frames(ask))
    choices = [
        {"index": index, "message": _message(ask), "logprobs": None, "finish_reason": _finish(ask)}
        for index in range(ask.body.get("n") or 1)
    ]
    return Reply(present(_envelope(ask, "chat.completion") | {"choices": choices, "usage": usage(ask)}))


def completions(ask: Ask) -> Reply:
    """Answer POST /completions, the legacy call."""
    if not ask.streams:
        choice = {"index": 0, "text": "".join(ask.pieces), "logprobs": None, "finish_reason": _finish(ask)}
        return Reply(present(_envelope(ask, "text_completion") | {"choices": [choice], "usage": usage(ask)}))
    finishes = [None] * (len(ask.pieces) - 1) + [_finish(ask)]
    choices = [
        {"index": 0, "text": piece, "logprobs": None, "finish_reason": finish}
        for piece, finish in zip(ask.pieces, finishes, strict=True)
    ]
    return streamed(_stream(ask, "text_completion", choices))


def embeddings(ask: Ask) -> Reply:
    """Answer POST /embeddings, as floats or as base64 of little-endian floats."""
    asked = ask.body.get("input")
    many = len(asked) if isinstance(asked, list) and asked and not isinstance(asked[0], int) else 1
    vector: Any = list(VECTOR)
    if ask.body.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack(f"<{len(VECTOR)}f", *VECTOR)).decode()
    data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(many)]
    total = ask.counts.input
    stated = ask.stated({"prompt_tokens": total, "total_tokens": total})
    named = {"id": f"embd-{ask.token}"} if _is_generous(ask) else {}
    return Reply(present({**named, "object": "list", "data": data, "model": ask.served_model, "usage": stated}))


def usage(ask: Ask) -> Any:
    """Return the usage object of chat: input includes the cached, output the reasoning."""
    counts = ask.counts
    prompt = counts.input + counts.cache_read
    completion = counts.output + counts.reasoning
    return ask.stated(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": counts.cache_read, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": counts.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }
    )


def tier(ask: Ask) -> str:
    """Return the service tier that serves a call: the one asked for, named as OpenAI names it."""
    return ask.tier or {"auto": "default"}.get(asked := ask.body.get("service_tier") or "default", asked)


def _chat_frames(ask: Ask) -> Iterator[bytes]:
    deltas: list[tuple[Json, str | None]] = [(delta, None) for delta in _deltas(ask)]
    deltas.append(({}, _finish(ask)))
    choices = [
        {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        for delta, finish in deltas
        for index in range(ask.body.get("n") or 1)
    ]
    return _stream(ask, "chat.completion.chunk", choices)


def _stream(ask: Ask, kind: str, choices: list[Json]) -> Iterator[bytes]:
    """Send one chunk per choice; when usage was asked for, null on each, then the usage with no choices."""
    asked = bool((ask.body.get("stream_options") or {}).get("include_usage")) or _is_generous(ask)
    stated = usage(ask) if asked else ABSENT
    envelope = _envelope(ask, kind)
    for choice in choices:
        more = {"x_groq": {"usage": usage(ask)}} if choice is choices[-1] and _is_groq(ask) else {}
        yield frame(present(envelope | more | {"choices": [choice], "usage": ABSENT if stated is ABSENT else None}))
    if stated is not ABSENT:
        yield frame(envelope | {"choices": [], "usage": stated})
    yield DONE


def _envelope(ask: Ask, kind: str) -> Json:
    prefix = "cmpl" if kind == "text_completion" else "chatcmpl"
    return {
        "id": f"{prefix}-{ask.token}",
        "object": kind,
        "created": ask.created,
        "model": ask.served_model,
        "service_tier": tier(ask),
        "system_fingerprint": "fp_simulator",
    }


def _is_generous(ask: Ask) -> bool:
    """Tell those who state a stream's usage unasked, and give an embedding an id, by their SDKs."""
    agent = ask.headers.get("user-agent", "")
    return any(name in agent for name in ("speakeasy", "mistral", "Perplexity", "AI21"))


def _is_groq(ask: Ask) -> bool:
    """Tell Groq, who states a stream's usage in a place of its own, by its SDK."""
    return "Groq" in ask.headers.get("user-agent", "")


def _finish(ask: Ask) -> str:
    return "tool_calls" if ask.tool and ask.finish == "stop" else FINISH[ask.finish]


def _message(ask: Ask) -> Json:
    message: Json = {"role": "assistant", "content": "".join(ask.pieces), "refusal": None, "annotations": []}
    if ask.tool:
        message |= {"content": None, "tool_calls": [_call(ask) | {"function": _function(ask, "{}")}]}
    return message


def _deltas(ask: Ask) -> Iterator[Json]:
    if ask.tool:
        yield {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"index": 0, **_call(ask), "function": _function(ask, "")}],
        }
        for arguments in ("{", "", "}"):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}
    else:
        yield {"role": "assistant", "content": "", "refusal": None}
        for piece in ask.pieces:
            yield {"content": piece}


def _call(ask: Ask) -> Json:
    return {"id": f"call_{ask.token[:24]}", "type": "function"}


def _function(ask: Ask, arguments: str) -> Json:
    return {"name": (ask.tool or {})["name"], "arguments": arguments}
