"""Ollama's SDK: every call passes `Client._request`; its answer is an object, or a generator that sends when first asked."""

from __future__ import annotations

import functools
from typing import Any

from meter.instrument import flow
from meter.instrument.flow import AsyncLazyTap, Bare, LazyTap
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers.model import Provider
from meter.providers.ollama import Line
from meter.providers.watching import watcher_of

NEEDS = ("cls", "stream")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    side = Side(provider)
    return [
        Patch(provider, module, f"{kind}._request", functools.partial(wrap, side), NEEDS)
        for module in provider.modules
        for kind, wrap in (("Client", wrap_request), ("AsyncClient", wrap_async_request))
    ]


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(cls, method, path, *, json=…)`."""
    return flow.start(side, client, args[1], args[2], kwargs.get("json"))


def shaped(part: Any) -> Line:
    """Return an object of the SDK's in the wire's shape; texts are only looked at, where they lie."""
    values = vars(part)
    return Line(**{name: values[name] for name in Line.__struct_fields__ if name in values})


def read(call: LiveCall, result: Any) -> None:
    """Read an answer."""
    call.take_whole(shaped(result))


def watch(call: Any, part: Any) -> bool:
    """Read one line of a stream."""
    return watcher_of(call.dialect)(call, shaped(part))


def wrap_request(side: Side, bare: Bare) -> Bare:
    """Wrap `_request`."""
    once = flow.once(start, read)(side, bare)

    @functools.wraps(bare)
    def _request(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("stream"):
            return once(self, *args, **kwargs)
        begin = functools.partial(flow.begun, start, side, self, args, kwargs)
        return LazyTap(bare(self, *args, **kwargs), begin, watch)

    return _request


def wrap_async_request(side: Side, bare: Bare) -> Bare:
    """Wrap an asynchronous `_request`: what it returns for a stream has sent nothing yet."""
    once = flow.once_async(start, read)(side, bare)

    @functools.wraps(bare)
    async def _request(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("stream"):
            return await once(self, *args, **kwargs)
        begin = functools.partial(flow.begun, start, side, self, args, kwargs)
        return AsyncLazyTap(await bare(self, *args, **kwargs), begin, watch)

    return _request
