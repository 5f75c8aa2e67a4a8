"""DSPy's own client: every request passes `StdlibTransport.stream` or `StdlibAsyncTransport._do_stream`, below cache and retries.

What they return is the head of an answer. Its body comes in pieces from the iterator `_chunks`, until `_release` is called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from meter import guard
from meter.instrument import flow, http
from meter.instrument.lines import collector, is_stream
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.instrument.taps import AsyncByteTap, ByteTap
from meter.providers import wires
from meter.providers.model import Provider

NEEDS = ("request",)
SPEAKERS = (("anthropic", wires.ANTHROPIC), ("gcp.gemini", wires.GOOGLE))
"""Whose wires it speaks besides OpenAI's: who owns a path stands for an address without a name of its own."""


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the client."""
    sync = ("StdlibTransport.stream", flow.once(start, read))
    waiting = ("StdlibAsyncTransport._do_stream", flow.once_async(start, read))
    return flow.twins(provider, sync, waiting, NEEDS)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(request)`, if its path is one of the vendor's."""
    request = args[0] if args else kwargs["request"]
    body = functools.partial(http.json_in, request.body)
    call = flow.start_at(side, client, request.method, request.url, body, spoken_by(urlsplit(request.url).path))
    if call is not None:
        http.take_key(call, request.headers)
    return call


@functools.lru_cache(1024)
def spoken_by(path: str) -> str:
    """Return the vendor whose wire a path is."""
    return next((name for name, owned in SPEAKERS if wires.find(name, "POST", path) in owned), "openai")


def read(call: LiveCall, response: Any) -> None:
    """Let the body of an answer carry the call on."""
    if not http.is_answer(call, response.status):
        return
    content_type = response.header("content-type") or ""
    call.stream = is_stream(content_type)
    is_async = hasattr(response._chunks, "__anext__")
    tap, over = (AsyncByteTap, _over_async) if is_async else (ByteTap, _over)
    response._release = over(call, response._release)
    response._chunks = tap(response._chunks, call, collector(call, content_type))
    call.attached = True


def _over(call: LiveCall, bare: Callable[[bool], Any]) -> Callable[[bool], Any]:
    def release(body_consumed: bool) -> Any:
        try:
            return bare(body_consumed)
        finally:
            with guard.shield("response.end"):
                call.closed()

    return release


def _over_async(call: LiveCall, bare: Callable[[bool], Any]) -> Callable[[bool], Any]:
    async def release(body_consumed: bool) -> Any:
        try:
            return await bare(body_consumed)
        finally:
            with guard.shield("response.end"):
                call.closed()

    return release
