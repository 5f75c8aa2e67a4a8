"""The stubs that gRPC generates. Each gets its methods when it is made, so what stands before them is a property of its class.

Stubs made earlier are metered too, and nothing of ours is left in them. What a method returns differs: an answer, a stream that
is iterated, or for `grpc.aio` something to be awaited. Errors come out of the answer, or of the stream's first event.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from meter import guard
from meter.instrument import flow
from meter.instrument.flow import AsyncSentTap, Begin, Read, SentTap
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch, Wrapping
from meter.instrument.side import Side
from meter.instrument.taps import Tap
from meter.providers.model import Provider
from meter.providers.watching import Watcher

Follow = Callable[[Any, Any, Any, tuple[Any, ...], dict[str, Any]], Any]
"""Takes the stub, its bare method, the request and what else it is called with; returns what the caller is to get."""

Then = Callable[[Side, Any, Any, Any], None]
"""Takes the stub, a request that is no call, and its answer."""

UNBILLED = "failed to connect"
"""What gRPC says of a request that was never sent."""

LOST = re.compile(
    r"socket closed|stream removed|connection (reset|closed)|rst_stream|goaway|keepalive|broken pipe|transport"
)
"""What it says of one whose answer was lost on the way; any other error is the server's answer."""

OWN_CLOCK = ("CANCELLED", "DEADLINE_EXCEEDED")


class Method:
    """Stands on a stub's class before a method that each stub has of its own."""

    def __init__(self, name: str, follow: Follow) -> None:
        self._name, self._follow = name, follow

    def __get__(self, stub: Any, _: Any = None) -> Any:
        if stub is None:
            return self
        if self._name not in vars(stub):
            raise AttributeError(self._name)
        return Metered(vars(stub)[self._name], stub, self._follow)

    def __set__(self, stub: Any, bare: Any) -> None:
        vars(stub)[self._name] = bare

    def __delete__(self, stub: Any) -> None:
        del vars(stub)[self._name]


class Metered:
    """A method of one stub; whatever else it can do is the bare one's."""

    def __init__(self, bare: Any, stub: Any, follow: Follow) -> None:
        self._bare, self._stub, self._follow = bare, stub, follow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bare, name)

    def __call__(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the bare method, and follow what it returns."""
        return self._follow(self._stub, self._bare, request, args, kwargs)


class StubPatch(Patch):
    """A method that a stub's `__init__` gives each stub."""

    def __init__(self, provider: Provider, module: str, name: str, follow: Follow, *, is_later: bool = False) -> None:
        wrap: Wrapping = lambda _: Method(name.rpartition(".")[2], follow)  # type: ignore[assignment,return-value]  # noqa: E731
        super().__init__(provider, module, name, wrap, ("channel",))
        self.without = "absent" if is_later else "missing"

    def _found(self, owner: Any, attribute: str) -> Any:
        """Return `__init__`, if it makes such a method."""
        made = getattr(owner, "__init__", None)
        names = getattr(getattr(inspect.unwrap(made), "__code__", None), "co_names", ()) if made is not None else ()
        return made if attribute in names else None


def metered(side: Side, start: Begin, read: Read) -> Follow:
    """Follow a method whose requests are calls."""

    def follow(stub: Any, bare: Any, request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = flow.begun(start, side, stub, (request,), {})
        if call is None:
            return bare(request, *args, **kwargs)
        try:
            result = bare(request, *args, **kwargs)
        except BaseException as error:
            failed(call, error)
            raise
        if hasattr(type(result), "__await__"):
            return Awaited(result, call, read)
        return flow.answered(call, read, result)

    return follow


def aside(side: Side, then: Then) -> Follow:
    """Follow a method whose requests are no calls, and tell of some."""

    def follow(stub: Any, bare: Any, request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = bare(request, *args, **kwargs)
        told = partial(then, side, stub, request)
        if hasattr(type(result), "__await__"):
            return AwaitedAside(result, told)
        _tell(told, result)
        return result

    return follow


def _tell(told: Callable[[Any], None], result: Any) -> None:
    with guard.shield("call.aside"):
        told(result)


def streamed(watch: Watcher) -> Read:
    """Return what ties a call to a stream. Nothing has come back yet: each event shows that something has."""

    def seen(call: Any, event: Any) -> bool:
        call.passes = 1
        return watch(call, event)

    def read(call: LiveCall, result: Any) -> Any:
        call.passes = 0
        return (AsyncStream if hasattr(result, "__aiter__") else Stream)(result, call, seen)

    return read


class Awaited(Tap):
    """An answer that is awaited."""

    def __init__(self, source: Any, call: LiveCall, read: Read) -> None:
        self._source, self._call, self._read = source, call, read
        call.loose = True

    def __await__(self) -> Generator[Any, None, Any]:
        call = self._call
        call.inside += 1
        try:
            result = yield from self._source.__await__()
        except BaseException as error:
            call.inside -= 1
            failed(call, error)
            raise
        call.inside -= 1
        if not call.done:
            call.loose = False
            flow.answered(call, self._read, result)
        return result


class AwaitedAside:
    """An answer that is awaited, to a request that is no call."""

    def __init__(self, source: Any, told: Callable[[Any], None]) -> None:
        self._source, self._told = source, told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __await__(self) -> Generator[Any, None, Any]:
        result = yield from self._source.__await__()
        _tell(self._told, result)
        return result


class Pulled:
    """What both taps share: a stream's errors are gRPC's."""

    _call: LiveCall

    def _pulled(self, error: BaseException | None) -> None:
        if status_of(error) is None:
            super()._pulled(error)  # type: ignore[misc]
        else:
            self._call.inside -= 1
            failed(self._call, error)


class Stream(Pulled, SentTap):
    """Passes on the events of a stream."""


class AsyncEvents(Pulled, AsyncSentTap):
    """Passes on the events of an asynchronous stream."""


class AsyncStream(Tap):
    """An asynchronous stream before it is iterated."""

    def __init__(self, source: Any, call: LiveCall, watch: Watcher) -> None:
        self._source, self._call, self._watch = source, call, watch
        call.stream = call.loose = True

    def __aiter__(self) -> Any:
        source = self._source.__aiter__()
        return source if self._call.done else AsyncEvents(source, self._call, self._watch)


def status_of(error: BaseException | None) -> str | None:
    """Return the name of a gRPC error's status; None for any other exception."""
    code = getattr(error, "code", None)
    name = getattr(code(), "name", None) if callable(code) else None
    return name if isinstance(name, str) else None


def failed(call: LiveCall, error: BaseException | None) -> None:
    """End a call that brought no answer, or broke off."""
    with guard.shield("call.error"):
        status = status_of(error)
        if status == "CANCELLED":
            call.end("aborted", error)
            return
        if status is not None:
            details = str(getattr(error, "details", str)() or "").lower()
            call.trouble = status
            call.refusal = details.startswith(UNBILLED) or (status not in OWN_CLOCK and not LOST.search(details))
        if error is not None:
            call.failed(error)
