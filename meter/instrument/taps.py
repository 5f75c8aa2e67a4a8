"""Taps on a stream: they hand each event on, let the call read it, and end the call with the stream, however it ends.

Classes, never generators around the SDK's own (a second asynchronous generator breaks the loop's finalizers), and no weak
references (in a cycle they die before the SDK's `finally` runs): the response's class is swapped for a subclass of the same name.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from meter import guard, recorder
from meter.instrument.lines import Collector, collector
from meter.instrument.live import KEY, LiveCall, link
from meter.providers.watching import veil, watcher_of


class Tap:
    """What all taps share: everything they do not know is the source's, and they pass for one of its class."""

    _source: Any
    _call: LiveCall
    _used = False
    """Something was pulled through this very tap. A stream may have a second one that nobody reads, and drop it at any time."""

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:  # what `isinstance` and `inspect.isgenerator` go by
        return type(vars(self).get("_source", self))

    def __dir__(self) -> Iterable[str]:
        return dir(self._source)

    def __repr__(self) -> str:
        return repr(self._source)

    def __getattr__(self, name: str) -> Any:
        if name in ("_source", "_call"):  # an object that was never made whole, such as a copy in the making
            raise AttributeError(name)
        return getattr(self._source, name)

    def __del__(self) -> None:
        call = self.__dict__.get("_call")
        # Where the caller reads bytes himself, or has read nothing, the end is that of the response.
        if call is not None and (self._used or call.loose) and not call.tapped:
            call.closed()

    def _pulled(self, error: BaseException | None) -> None:
        """Pulling the source ended in an exception, be it that of its end."""
        call = self._call
        call.inside -= 1
        if isinstance(error, StopIteration | StopAsyncIteration):
            call.exhausted()
        elif error is not None:
            call.failed(error)


class EventTap(Tap):
    """Passes on the parsed events of a stream."""

    def __init__(self, source: Any, call: LiveCall) -> None:
        self._source, self._call, self._watch = source, call, watcher_of(call.dialect)

    def __iter__(self) -> EventTap:
        return self

    def __next__(self) -> Any:
        call = self._call
        self._used = True
        while True:
            call.inside += 1
            try:
                event = self._source.__next__()
            except BaseException as error:
                self._pulled(error)
                raise
            call.inside -= 1
            try:
                if self._watch(call, event):
                    continue  # the usage we asked for, and the caller did not
            except Exception:  # noqa: BLE001 - written out: this is the chunk path
                call.fault("stream.event")
                if call.asked and veil(event):
                    continue
            return event


class AsyncEventTap(Tap):
    """Passes on the parsed events of an asynchronous stream."""

    def __init__(self, source: Any, call: LiveCall) -> None:
        self._source, self._call, self._watch = source, call, watcher_of(call.dialect)

    def __aiter__(self) -> AsyncEventTap:
        return self

    async def __anext__(self) -> Any:
        call = self._call
        self._used = True
        while True:
            call.inside += 1
            try:
                event = await self._source.__anext__()
            except BaseException as error:
                self._pulled(error)
                raise
            call.inside -= 1
            try:
                if self._watch(call, event):
                    continue
            except Exception:  # noqa: BLE001 - written out: this is the chunk path
                call.fault("stream.event")
                if call.asked and veil(event):
                    continue
            return event


class ByteTaps(Tap):
    """What both taps on bytes share."""

    def __init__(self, source: Any, call: LiveCall, collector: Collector) -> None:
        self._source, self._call, self._collector = source, call, collector
        self._inner = call.inside > 0
        """The SDK reads them for events. Of those there are none in a plain answer, which it hands on as an empty stream."""

    def _over(self, error: BaseException) -> None:
        """The bytes have come to their end, or to grief."""
        ended = isinstance(error, StopIteration | StopAsyncIteration)
        if ended and not (self._inner and self._call.chunks):
            with guard.shield("response.bytes"):
                self._collector.finish()
        if self._inner:
            self._call.inside -= 1
        else:
            self._pulled(error)

    def __del__(self) -> None:
        if (call := self.__dict__.get("_call")) is not None:
            call.closed()


class ByteTap(ByteTaps):
    """Passes on the bytes of a body that the caller reads himself."""

    def __iter__(self) -> ByteTap:
        return self

    def __next__(self) -> bytes:
        self._call.inside += 1
        try:
            data: bytes = self._source.__next__()
        except BaseException as error:
            self._over(error)
            raise
        self._call.inside -= 1
        _feed(self._call, self._collector, data)
        return data


class AsyncByteTap(ByteTaps):
    """Passes on the bytes of a body that the caller reads himself, asynchronously."""

    def __aiter__(self) -> AsyncByteTap:
        return self

    async def __anext__(self) -> bytes:
        self._call.inside += 1
        try:
            data: bytes = await self._source.__anext__()
        except BaseException as error:
            self._over(error)
            raise
        self._call.inside -= 1
        _feed(self._call, self._collector, data)
        return data


class Veil(Tap):
    """Hides the usage that we asked for from the caller of a stream that cannot be metered."""

    def __init__(self, source: Any, call: LiveCall) -> None:
        self._source, self._call = source, call

    def __iter__(self) -> Veil:
        return self

    def __aiter__(self) -> Veil:
        return self

    def __next__(self) -> Any:
        while veil(event := self._source.__next__()):
            pass
        return event

    async def __anext__(self) -> Any:
        while veil(event := await self._source.__anext__()):
            pass
        return event


class LinkTap(Tap):
    """Passes on a stream that a middleware spliced together; requests it makes meanwhile know which call they belong to."""

    def __init__(self, source: Any, call: LiveCall) -> None:
        self._source, self._call = source, call

    def __iter__(self) -> LinkTap:
        return self

    def __aiter__(self) -> LinkTap:
        return self

    def __next__(self) -> Any:
        outer = link.get()
        link.set(self._call)
        try:
            return self._source.__next__()
        finally:
            link.set(outer)

    async def __anext__(self) -> Any:
        outer = link.get()
        link.set(self._call)
        try:
            return await self._source.__anext__()
        finally:
            link.set(outer)

    def __del__(self) -> None:
        pass


def attach(response: Any, call: LiveCall) -> None:
    """Tie the call's end to the response's; raises if the response does not allow it."""
    with suppress(Exception):  # counted when the call ends
        ready_the_spool()
    response.request.extensions[KEY] = call
    response.extensions[KEY] = call
    kind: Any = type(response)
    response.__class__ = watched(kind)
    call.attached = True


def ready_the_spool() -> None:
    """Open the spool now: a stream may end with the process, when nothing can be imported any more."""
    writer = recorder.spool()
    if writer is not None and writer.path is None:
        writer.publish()


def attached_call(response: Any) -> LiveCall | None:
    """Return the call tied to this very response; a copy of it, or a user's stand-in, has none."""
    if not hasattr(type(response), "_meter_bare"):
        return None
    call = response.extensions.get(KEY)
    return call if isinstance(call, LiveCall) else None


def passed_call(response: Any) -> LiveCall | None:
    """Return the call whose request a response answers, although it is not tied to it."""
    with suppress(AttributeError, RuntimeError):  # a response that some test made has no request
        call = response.request.extensions.get(KEY)
        return call if isinstance(call, LiveCall) else None
    return None


@functools.cache
def watched(bare: Any) -> Any:
    """Return a subclass that tells the call of its end. One for each class of responses; it refers to no response."""

    def close(self: Any) -> None:
        try:
            bare.close(self)
        finally:
            _over(self, bare)

    async def aclose(self: Any) -> None:
        try:
            await bare.aclose(self)
        finally:
            _over(self, bare)

    def iter_bytes(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _tapped(self, bare.iter_bytes(self, *args, **kwargs), ByteTap)

    def aiter_bytes(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _tapped(self, bare.aiter_bytes(self, *args, **kwargs), AsyncByteTap)

    def __del__(self: Any) -> None:  # noqa: N807
        _over(self, bare)

    def __reduce_ex__(self: Any, protocol: Any) -> Any:  # noqa: N807
        return reduced(self, bare, protocol)

    methods = (close, aclose, iter_bytes, aiter_bytes, __del__, __reduce_ex__)
    names = {"__module__": bare.__module__, "__qualname__": bare.__qualname__, "__doc__": bare.__doc__}
    return type(bare.__name__, (bare,), {**names, "_meter_bare": bare, **{m.__name__: m for m in methods}})


def reduced(response: Any, bare: Any, protocol: Any) -> Any:
    """Return what a copy is made of: one of the response's own class.

    Protocol 1 makes an object of any class that is named; the later ones insist on the object's own.
    """
    make, arguments, *rest = bare.__reduce_ex__(response, min(protocol, 1))
    return make, tuple(bare if part is type(response) else part for part in arguments), *rest


def _over(response: Any, bare: type[Any]) -> None:
    """Give the response its own class back, and end the call unless an event is being pulled."""
    with guard.shield("response.end"):
        call = response.extensions.get(KEY)
        response.__class__ = bare
        if call is not None:
            call.closed()


def _tapped(response: Any, source: Any, tap: type[ByteTap] | type[AsyncByteTap]) -> Any:
    with guard.shield("response.bytes"):
        call = attached_call(response)
        if call is not None and not call.tapped:
            content_type = response.headers.get("content-type", "")
            call.tapped = not call.inside
            if call.tapped or "json" in content_type:
                return tap(source, call, (call.own_collector or collector)(call, content_type))
    return source


def _feed(call: LiveCall, collector: Collector, data: bytes) -> None:
    try:
        collector.feed(data)
        if call.stopped:
            call.closed()
    except Exception:  # noqa: BLE001 - written out: this is the chunk path
        call.fault("stream.bytes")
