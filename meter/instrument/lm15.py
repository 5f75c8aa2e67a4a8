"""DSPy's own client: every request passes `StdlibTransport.stream` or `StdlibAsyncTransport._do_stream`, below cache and retries.

What they return is the head of an answer. Its body comes in pieces from the iterator `_chunks`, until `_release` is called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from meter import guard
from meter.instrument import facts as facts_of
from meter.instrument import flow
from meter.instrument.lines import collector, is_stream
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.instrument.taps import AsyncByteTap, ByteTap
from meter.providers import wires
from meter.providers.model import Provider
from meter.providers.reading import UNREADABLE

NEEDS = ("request",)
SPEAKERS = (("anthropic", wires.ANTHROPIC), ("gcp.gemini", wires.GOOGLE))
"""Whose wires it speaks besides OpenAI's: who owns a path stands for an address without a name of its own."""


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the client."""
    side, (plain, waiting) = Side(provider), provider.modules
    once, once_async = flow.once(start, read), flow.once_async(start, read)
    return [
        Patch(provider, plain, "StdlibTransport.stream", functools.partial(once, side), NEEDS),
        Patch(provider, waiting, "StdlibAsyncTransport._do_stream", functools.partial(once_async, side), NEEDS),
    ]


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(request)`, if its path is one of the vendor's."""
    request = args[0] if args else kwargs["request"]
    address = urlsplit(request.url)
    speaker = spoken_by(address.path)
    facts = facts_of.at(facts_of.of(client, side.provider), address.hostname or "", address.port, speaker)
    dialect = wires.find(facts.provider, request.method, address.path) or wires.find(
        speaker, request.method, address.path
    )
    if dialect is None:
        return None
    call = flow.begin(side, client, dialect, _json(request.body), wires.model_in(dialect, address.path))
    facts.configured_key = functools.partial(facts_of.key_in, request.headers)
    call.facts, call.record.key = facts, facts.key
    return call


@functools.lru_cache(1024)
def spoken_by(path: str) -> str:
    """Return the vendor whose wire a path is."""
    return next((name for name, owned in SPEAKERS if wires.find(name, "POST", path) in owned), "openai")


def read(call: LiveCall, response: Any) -> None:
    """Let the body of an answer carry the call on. One with another status than 2xx was no answer."""
    if not 200 <= response.status < 300:
        call.passes = 0
        call.trouble = f"HTTP {response.status}"
        call.refusal = True
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


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except UNREADABLE:
        return {}
