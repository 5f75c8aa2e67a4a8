"""google-genai: every call passes one of four methods of `BaseApiClient`, with path and body, and comes back as JSON text.

`request_streamed` is a generator, so its request is sent when the first chunk is asked for. Function calling and continuation
make several calls, and each passes here.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from meter import guard
from meter.instrument import facts as facts_of
from meter.instrument import flow, google_live, interactions, written
from meter.instrument.flow import AsyncSentTap, Bare, LazyTap
from meter.instrument.live import LiveCall, link
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers import beside
from meter.providers.model import Provider
from meter.providers.watching import decoder_of, watcher_of

KIND = "BaseApiClient"
PIECE = 1 << 20
NEEDS = ("http_method", "path", "request_dict")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    wraps = (
        (f"{KIND}.request", flow.once(start, read, aside=look)),
        (f"{KIND}.async_request", flow.once_async(start, read, aside=look)),
        (f"{KIND}.request_streamed", wrap_stream),
        (f"{KIND}.async_request_streamed", wrap_async_stream),
    )
    downloads = ((f"{KIND}.download_file", wrap_download), (f"{KIND}.async_download_file", wrap_async_download))
    return [
        *flow.patches(provider, wraps, NEEDS),
        *flow.patches(provider, downloads, NEEDS[1:2]),
        *interactions.patches(provider),
        *google_live.patches(provider),
        *(Patch(provider, module, name, written.wrap, is_optional=True) for module, name in STREAMS),
    ]


STREAMS = (
    ("google.genai.models", "Models.generate_content_stream"),
    ("google.genai.models", "AsyncModels.generate_content_stream"),
    ("google.genai.chats", "Chat.send_message_stream"),
    ("google.genai.chats", "AsyncChat.send_message_stream"),
)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(http_method, path, request_dict, http_options=None)`."""
    method, path, body = (*args, *(kwargs[name] for name in NEEDS[len(args) :]))[:3]
    return flow.start(side, client, method, path, body)


def start_stream(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from the same arguments. It is caused by whoever asked for the stream."""
    call = start(side, client, args, kwargs)
    if call is not None and (asked := written.tags(side.provider.package)) is not None:
        call.record.tags = asked or None
    return call


def read(call: LiveCall, result: Any) -> None:
    """Read the answer: its body is a JSON text."""
    call.take_body(result.body.encode())


def look(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Look at the answer to what is no call: it may be a batch's."""
    method, path = (*args, *(kwargs[name] for name in NEEDS[len(args) :]))[:2]
    found = beside.find(method, path, side.provider.beside)
    if found is not None:
        from meter.instrument.beside import read  # here: most services never ask for such

        read(found[0].kind, found[1], result, facts_of.of(client, side.provider), result.body.encode())


def watch(call: Any, chunk: Any) -> bool:
    """Read one chunk of a stream."""
    event = decoder_of(call.dialect)(chunk.body.encode())
    return False if event is None else watcher_of(call.dialect)(call, event)


def wrap_stream(side: Side, bare: Bare) -> Bare:
    """Wrap `request_streamed`."""

    @functools.wraps(bare)
    def request_streamed(self: Any, *args: Any, **kwargs: Any) -> Any:
        begin = functools.partial(flow.begun, start, side, self, args, kwargs)
        return LazyTap(bare(self, *args, **kwargs), begin, watch, written.tags(side.provider.package))

    return request_streamed


def wrap_async_stream(side: Side, bare: Bare) -> Bare:
    """Wrap `async_request_streamed`: it sends the request, and returns the generator of its chunks."""

    @functools.wraps(bare)
    async def async_request_streamed(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = flow.begun(start_stream, side, self, args, kwargs)
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


class Tee:
    """Something to write to, as the caller gave it, that shows what is written."""

    def __init__(self, target: Any, results: Any) -> None:
        self._target, self._results = target, results

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def write(self, data: bytes) -> Any:
        """Write, and read along."""
        written = self._target.write(data)
        with guard.shield("beside.read"):
            self._results.feed(data)
        return written


class Download:
    """A file that is fetched, and may be the results of a batch: read along where it is written to, or afterwards."""

    def __init__(self, side: Side, client: Any, path: str, kwargs: dict[str, Any]) -> None:
        self.kwargs = kwargs
        self.results: Any = None
        with guard.shield("beside.read"):
            found = beside.find("GET", path, side.provider.beside)
            if found is None:
                return
            from meter.instrument.beside import ResultLines, Results

            self.results = ResultLines(Results(facts_of.of(client, side.provider), found[1]))
            if hasattr(target := kwargs.get("destination"), "write"):
                self.kwargs = {**kwargs, "destination": Tee(target, self.results)}

    def over(self, data: Any) -> Any:
        """Read what has not been read on its way; return what the caller is to get."""
        if self.results is not None:
            with guard.shield("beside.read"):
                self._read(data)
        return data

    def _read(self, data: Any) -> None:
        target = self.kwargs.get("destination")
        if isinstance(data, bytes):
            self.results.feed(data)
        elif isinstance(target, str | os.PathLike):
            with Path(target).open("rb") as file:
                while self.results.is_ours is not False and (piece := file.read(PIECE)):
                    self.results.feed(piece)
        self.results.finish()


def wrap_download(side: Side, bare: Bare) -> Bare:
    """Wrap `download_file`."""

    @functools.wraps(bare)
    def download_file(self: Any, path: str, *args: Any, **kwargs: Any) -> Any:
        download = Download(side, self, path, kwargs)
        return download.over(bare(self, path, *args, **download.kwargs))

    return download_file


def wrap_async_download(side: Side, bare: Bare) -> Bare:
    """Wrap `async_download_file`."""

    @functools.wraps(bare)
    async def async_download_file(self: Any, path: str, *args: Any, **kwargs: Any) -> Any:
        download = Download(side, self, path, kwargs)
        return download.over(await bare(self, path, *args, **download.kwargs))

    return async_download_file
