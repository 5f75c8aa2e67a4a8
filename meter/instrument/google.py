"""google-genai: every call passes one of four methods of `BaseApiClient`, with path and body, and comes back as JSON text.

`request_streamed` is a generator, so its request is sent when the first chunk is asked for. Function calling and continuation
make several calls, and each passes here.
"""

from __future__ import annotations

import functools
from typing import Any

from meter.instrument import flow
from meter.instrument.flow import AsyncSentTap, Bare, LazyTap
from meter.instrument.live import LiveCall, link
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers.model import Provider
from meter.providers.watching import decoder_of, watcher_of

KIND = "BaseApiClient"
NEEDS = ("http_method", "path", "request_dict")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    wraps = (
        (f"{KIND}.request", flow.once(start, read)),
        (f"{KIND}.async_request", flow.once_async(start, read)),
        (f"{KIND}.request_streamed", wrap_stream),
        (f"{KIND}.async_request_streamed", wrap_async_stream),
    )
    return flow.patches(provider, wraps, NEEDS)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(http_method, path, request_dict, http_options=None)`."""
    method, path, body = (*args, *(kwargs[name] for name in NEEDS[len(args) :]))[:3]
    return flow.start(side, client, method, path, body)


def read(call: LiveCall, result: Any) -> None:
    """Read the answer: its body is a JSON text."""
    call.take_body(result.body.encode())


def watch(call: Any, chunk: Any) -> bool:
    """Read one chunk of a stream."""
    event = decoder_of(call.dialect)(chunk.body.encode())
    return False if event is None else watcher_of(call.dialect)(call, event)


def wrap_stream(side: Side, bare: Bare) -> Bare:
    """Wrap `request_streamed`."""

    @functools.wraps(bare)
    def request_streamed(self: Any, *args: Any, **kwargs: Any) -> Any:
        begin = functools.partial(flow.begun, start, side, self, args, kwargs)
        return LazyTap(bare(self, *args, **kwargs), begin, watch)

    return request_streamed


def wrap_async_stream(side: Side, bare: Bare) -> Bare:
    """Wrap `async_request_streamed`: it sends the request, and returns the generator of its chunks."""

    @functools.wraps(bare)
    async def async_request_streamed(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = flow.begun(start, side, self, args, kwargs)
        if call is None:
            return await bare(self, *args, **kwargs)
        outer = link.get()
        link.set(call)
        try:
            source = await bare(self, *args, **kwargs)
        except BaseException as error:
            flow.failed(call, error)
            raise
        finally:
            if link.get() is call:
                link.set(outer)
        call.passes = 1
        return AsyncSentTap(source, call, watch)

    return async_request_streamed
