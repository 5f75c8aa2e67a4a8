"""An HTTP transport inside the process: canned replies, no socket, so that the SDK is timed, and what is wrapped around it.

openai 3 and anthropic 1 use httpx2, older ones httpx; the classes are alike.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

try:
    import httpx2 as http
except ImportError:
    import httpx as http  # type: ignore[no-redef, import-not-found]

__all__ = ["CHUNKS", "Canned", "http"]

CHUNKS = 100
JSON = {"content-type": "application/json", "x-request-id": "req_0123456789abcdef", "openai-organization": "acme"}
SSE = {**JSON, "content-type": "text/event-stream"}
CHAT_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 50,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
RESPONSES_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 400},
    "output_tokens": 200,
    "output_tokens_details": {"reasoning_tokens": 50},
    "total_tokens": 1200,
}
MESSAGES_USAGE = {
    "input_tokens": 600,
    "cache_read_input_tokens": 400,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 200,
    "service_tier": "standard",
}
TEXT = "Spend is a number somebody should be able to explain. " * 10


def encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def chat_reply() -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []}
    return {
        "id": "chatcmpl-CLb1mjX8Z0fWgJ2kq7TtYyRrEeWwQ",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": CHAT_USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_51db84afab",
    }


def chat_events(usage: bool) -> list[bytes]:
    head = {**chat_reply(), "object": "chat.completion.chunk"}
    head.pop("usage")
    if usage:
        head["usage"] = None
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": {"content": " word"}, "logprobs": None, "finish_reason": None}]}
        for _ in range(CHUNKS)
    ]
    chunks[-1]["choices"][0] |= {"delta": {}, "finish_reason": "stop"}
    if usage:
        chunks.append({**head, "choices": [], "usage": CHAT_USAGE})
    return [b"data: " + encode(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def messages_reply() -> dict[str, Any]:
    return {
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": MESSAGES_USAGE,
    }


def messages_events() -> list[bytes]:
    begin = {**messages_reply(), "content": [], "stop_reason": None, "usage": {**MESSAGES_USAGE, "output_tokens": 1}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " word"}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begin},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *([delta] * (CHUNKS - 5)),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 200}},
        {"type": "message_stop"},
    ]
    return [f"event: {event['type']}\n".encode() + b"data: " + encode(event) + b"\n\n" for event in events]


def responses_reply() -> dict[str, Any]:
    content = {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }
    return {
        "id": "resp_0f3a5b7c9d1e2f4a6b8c0d2e4f6a8b0c",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": "completed",
        "model": "gpt-4o-mini-2024-07-18",
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": "default",
        "usage": RESPONSES_USAGE,
    }


def embeddings_reply() -> dict[str, Any]:
    vector = "AACAPwAAAEAAAEBAAACAQA==" * 64
    return {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
    }


MODEL = {"id": "gpt-4o-mini", "object": "model", "created": 1_721_172_741, "owned_by": "system"}
BODIES = {
    "/v1/chat/completions": encode(chat_reply()),
    "/v1/responses": encode(responses_reply()),
    "/v1/embeddings": encode(embeddings_reply()),
    "/v1/messages": encode(messages_reply()),
    "/v1/models/gpt-4o-mini": encode(MODEL),
}
EVENTS = {
    ("/v1/chat/completions", False): chat_events(usage=False),
    ("/v1/chat/completions", True): chat_events(usage=True),
    ("/v1/messages", False): messages_events(),
}


class Events(http.SyncByteStream, http.AsyncByteStream):
    """A body that arrives event by event."""

    def __init__(self, events: list[bytes]) -> None:
        self.events = events

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.events)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in self.events:
            yield event


class Canned(http.BaseTransport, http.AsyncBaseTransport):
    """Answers by path; a body that asks for a stream gets one, with usage if it asks for that."""

    def handle_request(self, request: http.Request) -> http.Response:
        return answer(request, request.read() if request.method == "POST" else b"")

    async def handle_async_request(self, request: http.Request) -> http.Response:
        return answer(request, await request.aread() if request.method == "POST" else b"")


def answer(request: http.Request, body: bytes) -> http.Response:
    path = request.url.path
    if b'"stream":true' in body or b'"stream": true' in body:
        return http.Response(200, headers=SSE, stream=Events(EVENTS[path, b'"include_usage":' in body]))
    return http.Response(200, headers=JSON, content=BODIES[path])
