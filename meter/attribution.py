"""Who caused a call: tags of the block it runs in, and the trace it belongs to.

    with meter.tags(team="search"): …        # async alike
    @meter.tags(feature="answers")           # functions, coroutines, generators, async generators

Tags nest; the inner value wins. They live in a context variable, so tasks and `asyncio.to_thread` inherit them. A `with` block
around a `yield` would lend its tags to whoever iterates: decorate the generator instead.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Generator
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar, cast

from meter import guard, settings
from meter.tagging import MAX_TAGS, bounded

F = TypeVar("F", bound=Callable[..., Any])


class Frame(NamedTuple):
    """One entered block: all tags in force inside it, who entered it, and the block around it."""

    tags: dict[str, str]
    owner: object
    outer: Frame | None


_frame: ContextVar[Frame | None] = ContextVar("meter_tags", default=None)


def current() -> dict[str, str]:
    """Return the tags in force here. The dict is shared: read it, never change it."""
    frame = _frame.get()
    return frame.tags if frame is not None else settings.get().tags


def carry() -> dict[str, str]:
    """Return the tags in force as a plain dict of one's own, to hand through a queue: `with meter.tags(**carried)`."""
    return dict(current())


class tags:  # noqa: N801 - reads as a function: with tags(team="search")
    """Tag every call made inside the block or the decorated function.

    Values become strings; `None` leaves the tag as it is. At most 32 tags, keys of 64 and values of 256 characters: what is
    beyond is cut or left out, and counted as a failure that `meter doctor` shows.
    """

    def __init__(self, **pairs: Any) -> None:
        self._pairs = bounded(pairs)

    def __enter__(self) -> tags:
        outer = _frame.get()
        merged = {**(outer.tags if outer is not None else settings.get().tags), **self._pairs}
        if len(merged) > MAX_TAGS:
            guard.note("tags.too_many")
            merged = dict(list(merged.items())[:MAX_TAGS])
        _frame.set(Frame(merged, self, outer))
        return self

    def __exit__(self, *exc: object) -> None:
        # No token: an async generator may be closed in another context, where a token cannot be reset.
        frame = _frame.get()
        while frame is not None and frame.owner is not self:
            frame = frame.outer
        if frame is not None:
            _frame.set(frame.outer)

    async def __aenter__(self) -> tags:
        return self.__enter__()

    async def __aexit__(self, *exc: object) -> None:
        self.__exit__()

    def __call__(self, function: F) -> F:
        """Return the function with every call of it tagged: a method of any kind, or an object that can be called, alike."""
        if isinstance(function, staticmethod | classmethod):
            return cast(F, type(function)(self(function.__func__)))
        wrap = next(
            (wrap for is_kind, wrap in _WRAPS if is_kind(function) or is_kind(type(function).__call__)), _tag_function
        )
        return cast(F, functools.wraps(function)(wrap(self, function)))


def trace() -> tuple[str, str] | None:
    """Return the W3C trace and span id where OpenTelemetry is active in the process; never imports it."""
    module = sys.modules.get("opentelemetry.trace")
    if module is None:
        return None
    try:
        span = module.get_current_span()
        if span is module.INVALID_SPAN:
            return None
        context = span.get_span_context()
        return (f"{context.trace_id:032x}", f"{context.span_id:016x}") if context.is_valid else None
    except Exception:  # noqa: BLE001 - counted, and written out: this is the path of every call
        guard.fail("trace")  # half imported, or somebody's own
        return None


def _tag_function(block: tags, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with block:
            return function(*args, **kwargs)

    return call


def _tag_coroutine(block: tags, function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with block:
            return await function(*args, **kwargs)

    return call


def _tag_generator(block: tags, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with block:
            generator = function(*args, **kwargs)
        step, value = generator.send, None
        while True:
            try:
                with block:  # only while its own code runs: the consumer keeps its tags
                    item = step(value)
            except StopIteration as stop:
                return stop.value
            try:
                step, value = generator.send, (yield item)
            except GeneratorExit:
                with block:
                    generator.close()
                raise
            except BaseException as error:  # noqa: BLE001 - handed to the generator, as throw() does
                step, value = generator.throw, error

    return call


def _tag_async_generator(block: tags, function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with block:
            generator = function(*args, **kwargs)
        step, value = generator.asend, None
        while True:
            try:
                with block:
                    item = await step(value)
            except StopAsyncIteration:
                return
            try:
                step, value = generator.asend, (yield item)
            except GeneratorExit:
                with block:
                    await generator.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - handed to the generator, as athrow() does
                step, value = generator.athrow, error

    return call


_WRAPS = (
    (inspect.isasyncgenfunction, _tag_async_generator),
    (inspect.isgeneratorfunction, _tag_generator),
    (inspect.iscoroutinefunction, _tag_coroutine),
)
