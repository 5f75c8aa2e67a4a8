"""A door to the simulator that speaks gRPC, as xAI's SDK does: each call becomes a request of OpenAI's wire, and back.

    with door(simulator.url) as host:
        xai_sdk.Client(api_key="sim", api_host=host)

So faults, delays and counts are the simulator's. It needs grpcio and xai-sdk, whose messages it uses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from importlib import import_module
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from meter.simulator.wire import Json

STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
THREADS = 4


class Door:
    """The service. gRPC looks up its methods by name."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._grpc = import_module("grpc")
        self._messages = import_module("xai_sdk.proto").chat_pb2

    def GetCompletion(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answer at once."""
        with self._asked(request, context, stream=False) as reply:
            return self._answer(json.loads(reply.read()))

    def GetCompletionChunk(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        """Answer piece by piece."""
        with self._asked(request, context, stream=True) as reply:
            for line in reply:
                if line.startswith(b"data: {"):
                    yield self._piece(json.loads(line[6:]))

    @contextmanager
    def _asked(self, request: Any, context: Any, *, stream: bool) -> Iterator[Any]:
        words = [part.text for message in request.messages for part in message.content]
        body: Json = {"model": request.model, "messages": [{"role": "user", "content": text} for text in words]}
        body |= {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        wanted = Request(f"{self._url}/v1/chat/completions", json.dumps(body).encode())
        try:
            with urlopen(wanted) as reply:
                yield reply
        except HTTPError as error:
            context.abort(self._status(STATUS.get(error.code, "INTERNAL")), "refused")
        except (OSError, HTTPException, ValueError):
            context.abort(self._status("UNAVAILABLE"), "Socket closed")

    def _status(self, name: str) -> Any:
        return getattr(self._grpc.StatusCode, name)

    def _answer(self, found: Json) -> Any:
        answer = self._messages.GetChatCompletionResponse(**self._head(found))
        for choice in found["choices"]:
            output = _outputs(answer).add(index=choice["index"], finish_reason="REASON_STOP")
            output.message.content = choice["message"]["content"] or ""
        return answer

    def _piece(self, found: Json) -> Any:
        piece = self._messages.GetChatCompletionChunk(**self._head(found))
        for choice in found["choices"]:
            output = _outputs(piece).add(index=choice["index"])
            output.delta.content = choice["delta"].get("content") or ""
            if choice["finish_reason"]:
                output.finish_reason = "REASON_STOP"
        return piece

    def _head(self, found: Json) -> Json:
        head = {name: found[name] for name in ("id", "model")}
        return head | {"usage": usage(found["usage"])} if found.get("usage") else head


def _outputs(message: Any) -> Any:
    return message.outputs if hasattr(message, "outputs") else message.choices  # as it was called at first


def usage(stated: Json) -> Json:
    """Return OpenAI's usage object in xAI's words, with reasoning beside the output."""
    cached = stated["prompt_tokens_details"]["cached_tokens"]
    reasoning = stated["completion_tokens_details"]["reasoning_tokens"]
    return {
        "prompt_tokens": stated["prompt_tokens"],
        "prompt_text_tokens": stated["prompt_tokens"],
        "cached_prompt_text_tokens": cached,
        "completion_tokens": stated["completion_tokens"] - reasoning,
        "reasoning_tokens": reasoning,
        "total_tokens": stated["total_tokens"],
    }


@contextmanager
def door(url: str) -> Iterator[str]:
    """Serve on loopback; gives the address, which is one of those where the SDK asks for no certificate."""
    grpc = import_module("grpc")
    with ThreadPoolExecutor(THREADS) as pool:
        server = grpc.server(pool)
        import_module("xai_sdk.proto").chat_pb2_grpc.add_ChatServicer_to_server(_whole(Door(url)), server)
        port = server.add_secure_port("localhost:0", grpc.local_server_credentials())
        server.start()
        try:
            yield f"localhost:{port}"
        finally:
            server.stop(None).wait()


def _whole(service: Door) -> Any:
    """Return a service with the methods that are not served here, too: gRPC wants to see them all."""
    served: Any = import_module("xai_sdk.proto").chat_pb2_grpc.ChatServicer
    return type("Served", (Door, served), {})(service._url)
