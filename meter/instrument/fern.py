"""The SDKs made by Fern (Cohere): every call passes `HttpClient.request`, or `HttpClient.stream`, which is a context manager.

`request` calls itself for each retry, one level deeper; what it returns may be an error, which the SDK raises later.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from meter.instrument import flow, http
from meter.instrument.flow import Bare
from meter.instrument.live import LiveCall, link
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers.model import Provider

NEEDS = ("path", "method", "json")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    wraps = (
        ("HttpClient.request", flow.once(start, read)),
        ("HttpClient.stream", wrap_stream),
        ("AsyncHttpClient.request", flow.once_async(start, read)),
        ("AsyncHttpClient.stream", wrap_async_stream),
    )
    return flow.patches(provider, wraps, NEEDS)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(path, *, method, json, retries=0, …)`; a retry belongs to the call that is under way."""
    if retries := kwargs.get("retries"):
        if (outer := link.get()) is not None:
            outer.attempts = retries + 1
        return None
    path = kwargs.get("path", args[0] if args else None) or ""
    return flow.start(side, client, kwargs["method"], path, kwargs.get("json"))


def read(call: LiveCall, response: Any) -> None:
    """Read a response. Only its request says where it went: the client's address is a function."""
    http.take_address(call, response.request.url)
    http.read(call, response)


def wrap_stream(side: Side, bare: Bare) -> Bare:
    """Wrap `stream`: its call ends with the response."""

    @contextmanager
    def stream(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        call, outer = flow.begun(start, side, self, args, kwargs), link.get()
        if call is not None:  # a retry belongs to the call that is under way
            link.set(call)
        try:
            with bare(self, *args, **kwargs) as response:
                link.set(outer)
                _opened(call, response)
                yield response
        except BaseException as error:
            _broken(call, error)
            raise
        finally:
            link.set(outer)

    return functools.wraps(bare)(stream)


def wrap_async_stream(side: Side, bare: Bare) -> Bare:
    """Wrap an asynchronous `stream`."""

    @asynccontextmanager
    async def stream(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        call, outer = flow.begun(start, side, self, args, kwargs), link.get()
        if call is not None:  # a retry belongs to the call that is under way
            link.set(call)
        try:
            async with bare(self, *args, **kwargs) as response:
                link.set(outer)
                _opened(call, response)
                yield response
        except BaseException as error:
            _broken(call, error)
            raise
        finally:
            if link.get() is call:
                link.set(outer)

    return functools.wraps(bare)(stream)


def _opened(call: LiveCall | None, response: Any) -> None:
    if call is not None:
        call.stream = True
        flow.answered(call, read, response)


def _broken(call: LiveCall | None, error: BaseException) -> None:
    if call is not None and not call.attached and not call.done:
        flow.failed(call, error)
