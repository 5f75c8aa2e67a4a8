"""Amazon Bedrock: Converse, and InvokeModel for Anthropic's models; streams come in binary frames. Signatures are not checked."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

from meter.simulator.counts import Counts
from meter.simulator.wire import ABSENT, Ask, Json, Reply, present

FRAMES = "application/vnd.amazon.eventstream"
STOP = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered"}


def converse(ask: Ask) -> Reply:
    """Answer POST /model/{id}/converse."""
    message = {"role": "assistant", "content": [{"text": "".join(ask.pieces)}]}
    return Reply(
        present(
            {
                "output": {"message": message},
                "stopReason": STOP[ask.finish],
                "usage": usage(ask),
                "metrics": {"latencyMs": 7},
            }
        )
    )


def converse_stream(ask: Ask) -> Reply:
    """Answer POST /model/{id}/converse-stream."""
    return Reply(frames=list(_converse_frames(ask)), content_type=FRAMES)


def invoke(ask: Ask) -> Reply:
    """Answer POST /model/{id}/invoke in Anthropic's shape; the counts are in the headers too."""
    counts = ask.counts
    body = {
        "id": f"msg_bdrk_{ask.token[:22]}",
        "type": "message",
        "role": "assistant",
        "model": "claude-simulator",
        "content": [{"type": "text", "text": "".join(ask.pieces)}],
        "stop_reason": STOP[ask.finish],
        "usage": _anthropic(ask),
    }
    headers = (
        {} if ask.usage is ABSENT else {f"x-amzn-bedrock-{name}-token-count": str(n) for name, n in _named(counts)}
    )
    return Reply(present(body), headers=headers)


def invoke_stream(ask: Ask) -> Reply:
    """Answer POST /model/{id}/invoke-with-response-stream: Anthropic's events, and the metrics on the last one."""
    return Reply(frames=[_chunk(event) for event in _anthropic_events(ask)], content_type=FRAMES)


def usage(ask: Ask) -> Any:
    """Return Converse's usage object: the input leaves out what was read from or written to a cache."""
    counts = ask.counts
    output = counts.output + counts.reasoning
    details = [("5m", counts.cache_write_5m), ("1h", counts.cache_write_1h)]
    return ask.stated(
        {
            "inputTokens": counts.input,
            "outputTokens": output,
            "totalTokens": counts.input + counts.cache_read + counts.cache_write + output,
            "cacheReadInputTokens": counts.cache_read,
            "cacheWriteInputTokens": counts.cache_write,
            "cacheDetails": [{"ttl": ttl, "inputTokens": count} for ttl, count in details if count],
        }
    )


def frame(kind: str, payload: bytes) -> bytes:
    """Return one frame of Amazon's event stream."""
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\7" + len(value).to_bytes(2, "big") + value.encode()
        for name, value in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event"))
    )
    prelude = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    message = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + payload
    return message + zlib.crc32(message).to_bytes(4, "big")


def _json(kind: str, data: Json) -> bytes:
    return frame(kind, json.dumps(data).encode())


def _converse_frames(ask: Ask) -> Iterator[bytes]:
    yield _json("messageStart", {"role": "assistant"})
    for piece in ask.pieces:
        yield _json("contentBlockDelta", {"delta": {"text": piece}, "contentBlockIndex": 0})
    yield _json("contentBlockStop", {"contentBlockIndex": 0})
    yield _json("messageStop", {"stopReason": STOP[ask.finish]})
    yield _json("metadata", present({"usage": usage(ask), "metrics": {"latencyMs": 7}}))


def _chunk(event: Json) -> bytes:
    return _json("chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode()})


def _anthropic(ask: Ask) -> Any:
    counts = ask.counts
    return ask.stated(
        {
            "input_tokens": counts.input,
            "output_tokens": counts.output + counts.reasoning,
            "cache_read_input_tokens": counts.cache_read,
            "cache_creation_input_tokens": counts.cache_write,
            "cache_creation": {
                "ephemeral_5m_input_tokens": counts.cache_write_5m,
                "ephemeral_1h_input_tokens": counts.cache_write_1h,
            },
        }
    )


def _anthropic_events(ask: Ask) -> Iterator[Json]:
    stated, counts = _anthropic(ask), ask.counts
    first = {**stated, "output_tokens": 1} if isinstance(stated, dict) and ask.usage is None else stated
    message = {"id": f"msg_bdrk_{ask.token[:22]}", "type": "message", "role": "assistant", "content": []}
    yield {"type": "message_start", "message": present({**message, "usage": first})}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for piece in ask.pieces:
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
    yield {"type": "content_block_stop", "index": 0}
    yield present({"type": "message_delta", "delta": {"stop_reason": STOP[ask.finish]}, "usage": stated})
    metrics = {
        "inputTokenCount": counts.input,
        "outputTokenCount": counts.output + counts.reasoning,
        "invocationLatency": 7,
        "firstByteLatency": 5,
        "cacheReadInputTokenCount": counts.cache_read,
        "cacheWriteInputTokenCount": counts.cache_write,
    }
    yield {"type": "message_stop", **({} if ask.usage is ABSENT else {"amazon-bedrock-invocationMetrics": metrics})}


def _named(counts: Counts) -> tuple[tuple[str, int], ...]:
    return (
        ("input", counts.input),
        ("output", counts.output + counts.reasoning),
        ("cache-read-input", counts.cache_read),
        ("cache-write-input", counts.cache_write),
    )
