"""aiohttp: every request passes `ClientSession._request`. What is read of a body passes its `StreamReader`, by whatever method.

That class has slots, so a reader's call is kept beside it.
"""

from __future__ import annotations

import functools
from typing import Any

from meter import guard
from meter.instrument import flow, http
from meter.instrument.lines import Collector, collector, is_stream
from meter.instrument.live import KEY, LiveCall
from meter.instrument.patches import Patch
from meter.instrument.plain import elsewhere, noticed
from meter.instrument.side import Side
from meter.providers.model import Provider

OF_HTTPX = "httpx"
"""Whose headers these are, aiohttp is what carries its requests, and they have been seen."""

NEEDS = ("method", "str_or_url", "json", "data")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the library."""
    wraps = (("ClientSession._request", flow.once_async(start, read)),)
    return flow.patches(provider, wraps, NEEDS)


def start(_: Side, session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(method, str_or_url, *, json=…, data=…)`, if it is one that no SDK makes and that is to be metered."""
    method, address = (*args, *(kwargs[name] for name in NEEDS[len(args) : 2]))
    url = session._build_url(address) if isinstance(address, str) else address
    host = url.raw_host
    if host in elsewhere or type(kwargs.get("headers")).__module__.startswith(OF_HTTPX):
        return None
    return noticed(method, url.host or "", url.explicit_port, url.path, host, functools.partial(_json, kwargs))


def authority(address: str) -> str | None:
    """Return what names the server in an address, None in one that only goes with the session's own."""
    parts = address.split("/", 3)
    is_whole = len(parts) > 2 and parts[0].endswith(":") and "@" not in parts[2]
    return parts[2] if is_whole else None


def _json(kwargs: dict[str, Any]) -> Any:
    body = kwargs.get("json")
    return http.json_in(kwargs.get("data") if body is None else body)


def read(call: LiveCall, response: Any) -> None:
    """Let a response carry the call on: its body has not been read."""
    if not http.is_answer(call, response.status):
        return
    call.stream = is_stream(content_type := response.headers.get("content-type", ""))
    content = response.content
    _readers[id(content)] = call, collector(call, content_type)
    reader: Any = type(content)
    content.__class__ = watched_reader(reader)
    vars(response)[KEY] = call, id(content)
    kind: Any = type(response)
    response.__class__ = watched(kind)
    call.attached = True


_readers: dict[int, tuple[LiveCall, Collector]] = {}


@functools.cache
def watched_reader(bare: Any) -> Any:
    """Return a subclass of a reader's class that shows the call each piece as it is taken out."""

    def _read_nowait_chunk(self: Any, n: int) -> bytes:
        data: bytes = bare._read_nowait_chunk(self, n)
        _saw(self, data)
        return data

    names = {"__module__": bare.__module__, "__qualname__": bare.__qualname__, "__doc__": bare.__doc__}
    return type(bare.__name__, (bare,), {**names, "__slots__": (), "_read_nowait_chunk": _read_nowait_chunk})


@functools.cache
def watched(bare: Any) -> Any:
    """Return a subclass of a response's class that tells its call of the end."""

    def close(self: Any) -> None:
        _over(self)
        bare.close(self)

    def release(self: Any) -> Any:
        _over(self)
        return bare.release(self)

    def __del__(self: Any, *args: Any) -> None:  # noqa: N807
        _over(self)
        bare.__del__(self, *args)

    methods = (close, release, __del__)
    names = {"__module__": bare.__module__, "__qualname__": bare.__qualname__, "__doc__": bare.__doc__}
    return type(bare.__name__, (bare,), {**names, **{method.__name__: method for method in methods}})


def _saw(reader: Any, data: bytes) -> None:
    with guard.shield("stream.bytes"):
        call, pieces = _readers.get(id(reader), (None, None))
        if call is None or pieces is None or call.done:
            return
        pieces.feed(data)
        if call.stopped:
            call.closed()
        elif reader.at_eof():
            _readers.pop(id(reader), None)
            pieces.finish()
            if call.stream:
                call.exhausted()
            else:
                call.end("ok")


def _over(response: Any) -> None:
    call, reader = vars(response).get(KEY, NOBODY)
    found = _readers.pop(reader, None)
    if (
        call is None or call.done
    ):  # as it mostly is: this comes with `release`, with `close`, and when the response goes
        return
    with guard.shield("response.end"):
        if found is not None and response.content.at_eof():
            found[1].finish()
        call.closed()


NOBODY = None, 0
"""What a response has that carries no call."""
