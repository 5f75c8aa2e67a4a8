"""Where a stream was asked for, when that is not where it is read: a call is caused by whoever wrote it.

google-genai's streams are generators, whose first line runs when the first piece is asked for, perhaps in another context. The
caller gets the SDK's own generator; what is remembered of it is found again in the stack, when it sends its request.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable
from inspect import iscoroutinefunction
from types import FrameType
from typing import Any

from meter import attribution, guard

Bare = Callable[..., Any]

_asked: dict[int, tuple[weakref.ref[Any], dict[str, str]]] = {}
"""The number of a generator's frame → the tags that were in force when it was made."""


def wrap(bare: Bare) -> Bare:
    """Wrap a function that returns a generator, or a coroutine of an asynchronous one."""

    import wrapt  # its wrapper stays a generator function to those who ask

    def ask(asked: Bare, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        stream = asked(*args, **kwargs)
        _note(stream)
        return stream

    @functools.wraps(bare)
    async def ask_async(*args: Any, **kwargs: Any) -> Any:
        stream = await bare(*args, **kwargs)
        _note(stream)
        return stream

    return ask_async if iscoroutinefunction(bare) else wrapt.FunctionWrapper(bare, ask)


def _note(stream: Any) -> None:
    try:
        frame = getattr(stream, "gi_frame", None) or getattr(stream, "ag_frame", None)
        if frame is not None:
            number = id(frame)
            _asked[number] = weakref.ref(stream, lambda _: _asked.pop(number, None)), attribution.current()
    except Exception:  # noqa: BLE001 - written out: this is the path of every stream
        guard.fail("tags.stream")


def tags(package: str) -> dict[str, str] | None:
    """Return the tags of the outermost such generator that runs here, as far as the stack is the package's and ours."""
    found = None
    with guard.shield("tags.stream"):
        own = (f"{package}.", "meter.instrument.")
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and f"{frame.f_globals.get('__name__')}.".startswith(own):
            if (asked := _asked.get(id(frame))) is not None:
                found = asked[1]
            frame = frame.f_back
    return found
