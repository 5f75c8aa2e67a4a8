"""Replies out of memory, whatever library an SDK sends its requests with: the first of its kind comes from the simulator.

Each of the libraries is cut below what Meter wraps: httpx and httpx2 at their transport; urllib3, which requests and botocore
use, at its pool.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

PIECE = re.compile(rb".+?\n\n|.+", re.DOTALL)
"""An event of a stream. What is not made of those comes in one piece."""

HOP_BY_HOP = ("transfer-encoding", "content-length", "connection")
ASKING = b"include_usage"


class Kept(NamedTuple):
    """A reply."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def pieces(self) -> list[bytes]:
        """The body as it arrives."""
        return PIECE.findall(self.body)


class Tape(dict[bool, Kept]):
    """What one call is answered: usage is stated if the request asks for it, as Meter's does."""

    playing: Tape

    def on(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return the call, answered from here."""

        def played(client: Any) -> Any:
            Tape.playing = self
            return call(client)

        return played

    def keep(self, asking: bool, status: int, headers: Any, body: bytes) -> Kept:
        """Keep a reply that came from the simulator."""
        pairs = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
        self[asking] = Kept(status, pairs, body)
        return self[asking]


def cut() -> None:
    """Answer what this process asks by any of the libraries from the tape that is playing."""
    for name in filter(find_spec, ("httpx", "httpx2")):
        library: Any = import_module(name)
        library.HTTPTransport.handle_request = _httpx(library, library.HTTPTransport.handle_request)
    if find_spec("urllib3"):
        from urllib3 import HTTPConnectionPool

        HTTPConnectionPool.urlopen = _urllib3(HTTPConnectionPool.urlopen)  # type: ignore[method-assign]


def _httpx(library: Any, bare: Callable[..., Any]) -> Any:
    class Body(library.SyncByteStream):  # type: ignore[misc]
        def __init__(self, kept: Kept) -> None:
            self.kept = kept

        def __iter__(self) -> Any:
            return iter(self.kept.pieces)

    @functools.wraps(bare)
    def handle_request(self: Any, request: Any) -> Any:
        asking, tape = ASKING in request.read(), Tape.playing
        if (kept := tape.get(asking)) is None:
            reply = bare(self, request)
            kept = tape.keep(asking, reply.status_code, reply.headers.multi_items(), reply.read())
            reply.close()
        return library.Response(kept.status, headers=kept.headers, stream=Body(kept))

    return handle_request


def _urllib3(bare: Callable[..., Any]) -> Any:
    from urllib3 import HTTPResponse

    @functools.wraps(bare)
    def urlopen(self: Any, method: str, url: str, body: Any = None, *args: Any, **kwargs: Any) -> Any:
        sent = body.encode() if isinstance(body, str) else body
        asking, tape = isinstance(sent, bytes) and ASKING in sent, Tape.playing
        if (kept := tape.get(asking)) is None:
            reply = bare(self, method, url, body, *args, **kwargs)
            kept = tape.keep(asking, reply.status, reply.headers.items(), reply.read())
        return HTTPResponse(io.BytesIO(kept.body), dict(kept.headers), kept.status, preload_content=False)

    return urlopen
