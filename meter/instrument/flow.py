"""A call from begin to end, for SDKs whose choke point is one function: plain or waiting, whose answer is at hand or a stream.

A family says how a call begins (`Begin`: from the function's own arguments) and how its answer is read (`Read`); the wraps here
do the rest, alike for all. What a wrapped function returns and raises is the bare one's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from meter import attribution, guard, recorder
from meter.errors import BudgetExceeded
from meter.instrument import facts as facts_of
from meter.instrument import usage_option
from meter.instrument.live import LiveCall, link
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.instrument.taps import AsyncEventTap, EventTap
from meter.providers import wires
from meter.providers.model import Dialect, Provider
from meter.providers.progress import text
from meter.providers.watching import Watcher

Bare = Callable[..., Any]
Wrap = Callable[[Side, Bare], Bare]
Begin = Callable[[Side, Any, tuple[Any, ...], dict[str, Any]], LiveCall | None]
"""Takes the client and the function's arguments; returns None for what is no call."""

Read = Callable[[LiveCall, Any], Any]
"""Tells the call what its answer says; returns None, or a tap that the caller gets in the place of a stream."""


Aside = Callable[[Side, Any, tuple[Any, ...], dict[str, Any], Any], None]
"""Looks at the answer to what is no call and may tell of some, such as a batch: takes what `Begin` does, and the answer."""


class Arguments(NamedTuple):
    """What a function is called with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


Ask = Callable[[LiveCall, tuple[Any, ...], dict[str, Any]], Arguments | None]
"""Puts the option that asks for a stream's usage into a copy of the arguments; returns None where it cannot."""


def patches(provider: Provider, wraps: Sequence[tuple[str, Wrap]], needs: tuple[str, ...]) -> list[Patch]:
    """Return what is to be patched where all of an SDK's calls pass functions with the same arguments, in each of its modules."""
    side = Side(provider)
    return [
        Patch(provider, module, name, functools.partial(wrap, side), needs)
        for module in provider.modules
        for name, wrap in wraps
    ]


def twins(provider: Provider, sync: tuple[str, Wrap], waiting: tuple[str, Wrap], needs: tuple[str, ...]) -> list[Patch]:
    """Return what is to be patched where the plain client and the waiting one lie in modules of their own."""
    side = Side(provider)
    return [
        Patch(provider, module, name, functools.partial(wrap, side), needs)
        for module, (name, wrap) in zip(provider.modules, (sync, waiting), strict=True)
    ]


def start(side: Side, client: Any, method: str, path: str, body: Any) -> LiveCall | None:
    """Begin a call if a request is one: POST to a path that one of the SDK's wires knows."""
    dialect = side.find(method, path)
    if dialect is None:
        return None
    return begin(side, client, dialect, body, wires.model_in(dialect, path))


def start_at(
    side: Side, client: Any, method: str, url: str, body: Callable[[], Any], speaker: str | None = None
) -> LiveCall | None:
    """Begin a call if a request is one, by its own address: an SDK of many vendors, any of which may be behind it.

    `speaker` is the provider whose wires are spoken at an address without a name of its own. `body` is asked for only of a call.
    """
    address = urlsplit(url)
    facts = facts_of.at(facts_of.of(client, side.provider), address.hostname or "", address.port, speaker)
    dialect = wires.find(facts.provider, method, address.path)
    if dialect is None and speaker is not None:
        dialect = wires.find(speaker, method, address.path)
    if dialect is None:
        return None
    call = begin(side, client, dialect, body(), wires.model_in(dialect, address.path))
    call.facts = facts
    return call


def begin(side: Side, client: Any, dialect: Dialect, body: Any, model: str | None = None) -> LiveCall:
    """Begin a call of a wire that is known."""
    facts = facts_of.of(client, side.provider)
    call = LiveCall(dialect, recorder.start(), facts, body)
    call.record.key = call.facts.key
    if isinstance(body, dict):
        call.record.request_model = text(model or body.get(dialect.model))
        call.record.requested_tier = text(body.get("service_tier"))
    else:
        call.record.request_model = text(model)
    return call


def begun(start: Begin, side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call; whatever goes wrong with that is counted, and the host's call goes on."""
    try:
        return start(side, client, args, kwargs)
    except BudgetExceeded:
        raise
    except Exception:  # noqa: BLE001 - counted
        guard.fail("call.begin")
        return None


def answered(call: LiveCall, read: Read, result: Any) -> Any:
    """Read an answer that is at hand, and end the call; return what the caller is to get, which is the answer, or a tap on it."""
    tap = None
    with guard.shield("call.answer"):
        call.passes = 1
        tap = read(call, result)
    if not call.attached and not call.loose:
        call.end("ok")
    return result if tap is None else tap


def failed(call: LiveCall, error: BaseException) -> None:
    """End a call that brought no answer."""
    with guard.shield("call.error"):
        call.failed(error)


def told(aside: Aside | None, side: Side, client: Any, asking: Arguments, result: Any) -> Any:
    """Let what is no call tell of some; return its answer."""
    if aside is not None:
        with guard.shield("beside.read"):
            aside(side, client, asking.args, asking.kwargs, result)
    return result


def once(start: Begin, read: Read, ask: Ask | None = None, aside: Aside | None = None) -> Wrap:
    """Wrap a function whose answer is at hand when it returns."""

    def wrap(side: Side, bare: Bare) -> Bare:
        @functools.wraps(bare)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            call = begun(start, side, self, args, kwargs)
            if call is None:
                return told(aside, side, self, Arguments(args, kwargs), bare(self, *args, **kwargs))
            outer = link.get()
            link.set(call)
            try:
                asking = asked(ask, call, args, kwargs)
                try:
                    result = bare(self, *asking.args, **asking.kwargs)
                except Exception as error:
                    if not usage_option.taken_back(call, error):
                        raise
                    result = bare(self, *args, **kwargs)
            except BaseException as error:
                failed(call, error)
                raise
            finally:
                link.set(outer)
            return answered(call, read, result)

        return wrapped

    return wrap


def once_async(start: Begin, read: Read, ask: Ask | None = None, aside: Aside | None = None) -> Wrap:
    """Wrap a coroutine function whose answer is at hand when it returns."""

    def wrap(side: Side, bare: Bare) -> Bare:
        @functools.wraps(bare)
        async def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            call = begun(start, side, self, args, kwargs)
            if call is None:
                return told(aside, side, self, Arguments(args, kwargs), await bare(self, *args, **kwargs))
            outer = link.get()
            link.set(call)
            try:
                asking = asked(ask, call, args, kwargs)
                try:
                    result = await bare(self, *asking.args, **asking.kwargs)
                except Exception as error:
                    if not usage_option.taken_back(call, error):
                        raise
                    result = await bare(self, *args, **kwargs)
            except BaseException as error:
                failed(call, error)
                raise
            finally:
                if link.get() is call:
                    link.set(outer)
            return answered(call, read, result)

        return wrapped

    return wrap


def asked(ask: Ask | None, call: LiveCall, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Return the arguments that ask for the usage of a stream that states none otherwise; else the caller's own."""
    if ask is not None:
        with guard.shield("call.ask"):
            if usage_option.is_wanted(call) and (asking := ask(call, args, kwargs)) is not None:
                call.asked = True
                return asking
    return Arguments(args, kwargs)


class Lazy:
    """What taps share whose source sends nothing before the first event is asked for: the call begins there, or never."""

    _begin: Callable[[], LiveCall | None]

    def __init__(
        self,
        source: Any,
        begin: Callable[[], LiveCall | None],
        watch: Watcher,
        tags: dict[str, str] | None = None,
    ) -> None:
        self._source, self._begin, self._watch = source, begin, watch
        self._tags = attribution.current() if tags is None else tags
        """Of whoever asked for the stream: it may be read elsewhere."""

    def _started(self) -> LiveCall | None:
        call: LiveCall | None = self.__dict__.get("_call")
        if call is None and not self.__dict__.get("_bare"):
            call = self._begin()
            if call is None:
                self._bare = True
            else:
                call.stream = call.loose = True
                call.record.tags = self._tags or None
                self._call = call
        return call

    def _over(self) -> None:
        if (call := self.__dict__.get("_call")) is not None:
            call.closed()


class LazyTap(Lazy, EventTap):
    """Passes on what a generator yields."""

    def __next__(self) -> Any:
        call, outer = self._started(), link.get()
        if call is None:
            return self._source.__next__()
        link.set(call)
        try:
            event = super().__next__()
            call.passes = 1
            return event
        finally:
            link.set(outer)

    def close(self) -> None:
        """Close the generator, and end the call with it."""
        try:
            self._source.close()
        finally:
            self._over()


class AsyncLazyTap(Lazy, AsyncEventTap):
    """Passes on what an asynchronous generator yields."""

    async def __anext__(self) -> Any:
        call, outer = self._started(), link.get()
        if call is None:
            return await self._source.__anext__()
        link.set(call)
        try:
            event = await super().__anext__()
            call.passes = 1
            return event
        finally:
            if link.get() is call:
                link.set(outer)

    async def aclose(self) -> None:
        """Close the generator, and end the call with it."""
        try:
            await self._source.aclose()
        finally:
            self._over()


class SentTap(EventTap):
    """Passes on what a stream yields whose request has been sent."""

    def __init__(self, source: Any, call: LiveCall, watch: Watcher) -> None:
        self._source, self._call, self._watch = source, call, watch
        call.stream = call.loose = True


class AsyncSentTap(AsyncEventTap):
    """Passes on what an asynchronous generator yields, of a request that has been sent."""

    def __init__(self, source: Any, call: LiveCall, watch: Watcher) -> None:
        self._source, self._call, self._watch = source, call, watch
        call.stream = call.loose = True

    async def aclose(self) -> None:
        """Close the generator, and end the call with it."""
        try:
            await self._source.aclose()
        finally:
            self._call.closed()
