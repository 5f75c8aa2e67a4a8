"""requests: every request passes `Session.send`. The body of a stream is read through `iter_content`, whoever reads it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from meter import guard
from meter.instrument import flow, http
from meter.instrument.lines import collector
from meter.instrument.live import KEY, LiveCall
from meter.instrument.patches import Patch
from meter.instrument.plain import elsewhere, noticed
from meter.instrument.side import Side
from meter.instrument.taps import reduced
from meter.providers.model import Provider

NEEDS = ("request",)


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the library."""
    wraps = (("Session.send", flow.once(start, read)),)
    return flow.patches(provider, wraps, NEEDS)


def start(_: Side, __: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(request, **kwargs)`, if it is one that no SDK makes and that is to be metered."""
    request = args[0] if args else kwargs["request"]
    parts = (request.url or "").split("/", 3)
    authority = parts[2] if len(parts) > 2 else ""
    if authority in elsewhere:
        return None
    address = urlsplit(request.url)
    body = functools.partial(http.json_in, request.body)
    call = noticed(request.method or "", address.hostname or "", address.port, address.path, authority, body)
    if call is not None:
        call.facts = replace(call.facts)
        http.take_key(call, request.headers.items())
    return call


def read(call: LiveCall, response: Any) -> None:
    """Read a response, or let it carry the call on."""
    if not http.is_answer(call, response.status_code):
        return
    if response._content is not False:
        call.take_body(response.content)
    else:
        call.stream = True
        vars(response)[KEY] = call
        kind: Any = type(response)
        response.__class__ = watched(kind)
        call.attached = True


@functools.cache
def watched(bare: Any) -> Any:
    """Return a subclass of a response's class that shows its call what is read, and tells it of the end."""

    def iter_content(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _tapped(self, bare.iter_content(self, *args, **kwargs))

    def close(self: Any) -> None:
        try:
            bare.close(self)
        finally:
            _over(self)

    def __del__(self: Any) -> None:  # noqa: N807
        _over(self)

    def __reduce_ex__(self: Any, protocol: Any) -> Any:  # noqa: N807
        return reduced(self, bare, protocol)

    methods = (iter_content, close, __del__, __reduce_ex__)
    names = {"__module__": bare.__module__, "__qualname__": bare.__qualname__, "__doc__": bare.__doc__}
    return type(bare.__name__, (bare,), {**names, **{method.__name__: method for method in methods}})


def _tapped(response: Any, source: Iterator[Any]) -> Iterator[Any]:
    call = vars(response).get(KEY)
    if call is None or call.done:
        yield from source
        return
    reader = collector(call, response.headers.get("content-type", ""))
    try:
        for data in source:
            with guard.shield("stream.bytes"):
                reader.feed(data if isinstance(data, bytes) else data.encode())
                if call.stopped:
                    call.closed()
            yield data
    except GeneratorExit:
        raise
    except BaseException as error:
        call.failed(error)
        raise
    with guard.shield("response.bytes"):
        reader.finish()
        call.exhausted()


def _over(response: Any) -> None:
    with guard.shield("response.end"):
        if (call := vars(response).get(KEY)) is not None:
            call.closed()
