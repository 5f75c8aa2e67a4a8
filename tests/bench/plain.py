"""Requests that no SDK makes, by each library: to a host of no interest, and to one that is known, plain and streamed.

No byte leaves the process: httpx and requests are answered from a tape (`tape.py`), aiohttp by a connector that never connects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from tests.bench.cases import Case
from tests.bench.tape import Kept, Tape, cut
from tests.bench.transport import CHUNKS, chat_events, chat_reply, encode

ASKED: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "ping"}]}
STREAM = {**ASKED, "stream": True, "stream_options": {"include_usage": True}}
ANSWER = Kept(200, [("content-type", "application/json")], encode(chat_reply()))
EVENTS = Kept(200, [("content-type", "text/event-stream")], b"".join(chat_events(usage=True)))
IGNORED, KNOWN = "https://prices.example.com/v1/quote", "https://api.openai.com/v1/chat/completions"


class Request(NamedTuple):
    """What is sent where, and the reply, with the number of its events."""

    name: str
    address: str
    body: dict[str, Any]
    reply: Kept
    chunks: int = 0


REQUESTS = (
    Request("ignored", IGNORED, ASKED, ANSWER),
    Request("known", KNOWN, ASKED, ANSWER),
    Request("known, streamed", KNOWN, STREAM, EVENTS, CHUNKS + 1),
)


def _httpx(request: Request) -> Case:
    def call(client: Any) -> None:
        if not request.chunks:
            client.post(request.address, json=request.body).json()
            return
        with client.stream("POST", request.address, json=request.body) as reply:
            for _ in reply.iter_lines():
                pass

    return _taped("httpx", call, lambda: import_module("httpx").Client(), request)


def _requests(request: Request) -> Case:
    def call(client: Any) -> None:
        with client.post(request.address, json=request.body, stream=bool(request.chunks)) as reply:
            for _ in reply.iter_lines() if request.chunks else (reply.json(),):
                pass

    return _taped("requests", call, lambda: import_module("requests").Session(), request)


def _taped(library: str, call: Callable[[Any], None], client: Callable[[], Any], request: Request) -> Case:
    tape = Tape(dict.fromkeys((False, True), request.reply))
    return Case(f"{library}: {request.name}", library, tape.on(call), False, request.chunks, lambda _: client())


def _aiohttp(request: Request) -> Case:
    async def call(client: list[Any]) -> None:
        if not client:  # a session is made where a loop runs
            client.append(import_module("aiohttp").ClientSession(connector=_connector(request.reply)))
        async with client[0].post(request.address, json=request.body) as reply:
            if not request.chunks:
                await reply.json()
            async for _ in reply.content:
                pass

    return Case(f"aiohttp: {request.name}", "aiohttp", call, True, request.chunks, lambda _: [])


class Wire(asyncio.Transport):
    """A connection that answers once something has been written."""

    def __init__(self, protocol: Any, reply: bytes) -> None:
        super().__init__()
        self.protocol, self.reply, self.due = protocol, reply, False

    def write(self, data: Any) -> None:
        if not self.due:
            self.due = True
            asyncio.get_running_loop().call_soon(self.answer)

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"")

    def answer(self) -> None:
        self.due = False
        self.protocol.data_received(self.reply)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Have nothing to close."""


def _connector(reply: Kept) -> Any:
    """Return a connector whose connections answer whatever is sent with the same bytes."""
    aiohttp: Any = import_module("aiohttp")
    headers = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
    head = f"HTTP/1.1 200 OK\r\n{headers}content-length: {len(reply.body)}\r\n\r\n"

    async def connection(*_: Any) -> Any:
        protocol = import_module("aiohttp.client_proto").ResponseHandler(asyncio.get_running_loop())
        protocol.connection_made(Wire(protocol, head.encode() + reply.body))
        return protocol

    found = aiohttp.TCPConnector()
    found._create_connection = connection
    return found


LIBRARIES = {"httpx": _httpx, "requests": _requests, "aiohttp": _aiohttp}


def cases() -> list[Case]:
    """Return the cases of the libraries that are here."""
    cut()
    return [make(request) for library, make in LIBRARIES.items() if find_spec(library) for request in REQUESTS]
