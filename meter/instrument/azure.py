"""azure-ai-inference: what its pipelines send is every Azure SDK's, so the clients' own methods are wrapped.

A stream is an object of the SDK's, whose class is swapped for a subclass that shows us each event it hands out. Only some models
state the usage of a stream unasked: we ask as for OpenAI's SDK, by `model_extras`, and hide what only that brings.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from meter import guard
from meter.instrument import flow, usage_option
from meter.instrument.flow import Arguments
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.instrument.taps import ready_the_spool
from meter.providers.chat import CHAT, EMBEDDINGS, Chunk
from meter.providers.model import Dialect, Provider
from meter.providers.reading import plain
from meter.providers.watching import watcher_of

METHODS: tuple[tuple[str, Dialect], ...] = (
    ("ChatCompletionsClient.complete", CHAT),
    ("EmbeddingsClient.embed", EMBEDDINGS),
    ("ImageEmbeddingsClient.embed", EMBEDDINGS),
)
EXTRAS = "model_extras"
SENT = ("messages", "input", "model", "stream", "tools")
"""Arguments that are looked at."""

CALL = "_meter_call"
"""Where a stream holds its call. The call never refers back."""

DEPLOYMENT = re.compile(r"/deployments/([^/?]+)")


class Body(dict[str, Any]):
    """A request, put together from a client's own settings and the arguments; `extras` is what it has beyond the interface."""

    extras: Mapping[str, Any] | None = None


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched: three methods of the clients of either half."""
    side = Side(provider)
    found = []
    for module, wrap in zip(provider.modules, (flow.once, flow.once_async), strict=True):
        for name, dialect in METHODS:
            wrapping = functools.partial(wrap(functools.partial(start, dialect), read, ask), side)
            found.append(Patch(provider, module, name, wrapping, ("body",)))
    return found


def start(dialect: Dialect, side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall:
    """Begin a call from `(body=…, *, messages=…, stream=None, model=None, model_extras=None, …)`."""
    call = flow.begin(side, client, dialect, _body(client, args, kwargs))
    call.stream = call.body.get("stream") is True
    if (found := DEPLOYMENT.search(str(client._config.endpoint))) is not None:
        call.record.deployment = found[1]
        call.record.request_model = call.record.request_model or found[1]
    return call


def _body(client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Body:
    given = args[0] if args else kwargs.get("body")
    if isinstance(given, Mapping):
        return Body(given)
    own = {"model": getattr(client, "_model", None)}
    body = Body({**own, **{name: kwargs[name] for name in SENT if kwargs.get(name) is not None}})
    if "messages" in body or "input" in body:  # else it is sent as the caller's own bytes
        body.extras = kwargs.get(EXTRAS) or getattr(client, "_model_extras", None) or {}
        body.update(body.extras)
    return body


def ask(call: LiveCall, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
    """Ask for usage in a copy of what goes beyond the interface; a body of the caller's own stays as it is."""
    if call.body.extras is None:
        return None
    return Arguments(args, {**kwargs, EXTRAS: usage_option.with_option(call.body.extras)})


def read(call: LiveCall, result: Any) -> None:
    """Read an answer, or tie the call to a stream."""
    if not call.stream:
        call.take_whole(dict(result.items()))
        return
    with suppress(Exception):  # counted when the call ends
        ready_the_spool()
    vars(result)[CALL] = call
    kind: Any = type(result)
    result.__class__ = watched(kind)
    call.attached = True


def watch(call: LiveCall, event: Any) -> bool:
    """Read one event; say whether the caller must not see it."""
    try:
        if watcher_of(CHAT)(call, msgspec.convert(plain(event), Chunk, strict=False)):
            return True
        if call.asked and event.get("usage", 0) is None:
            event.pop("usage")
    except Exception:  # noqa: BLE001 - written out: this is the chunk path
        call.fault("stream.event")
    return False


def _pulled(call: LiveCall, error: BaseException) -> None:
    call.inside -= 1
    if isinstance(error, StopIteration | StopAsyncIteration):
        call.exhausted()
    else:
        call.failed(error)


@functools.cache
def watched(bare: Any) -> Any:
    """Return a subclass of a stream's class that shows its call what it hands out, and tells it of its end."""

    def __next__(self: Any) -> Any:  # noqa: N807
        call = vars(self)[CALL]
        while True:
            call.inside += 1
            try:
                event = bare.__next__(self)
            except BaseException as error:
                _pulled(call, error)
                raise
            call.inside -= 1
            if not watch(call, event):
                return event

    async def __anext__(self: Any) -> Any:  # noqa: N807
        call = vars(self)[CALL]
        while True:
            call.inside += 1
            try:
                event = await bare.__anext__(self)
            except BaseException as error:
                _pulled(call, error)
                raise
            call.inside -= 1
            if not watch(call, event):
                return event

    def close(self: Any) -> None:
        try:
            bare.close(self)
        finally:
            _over(self)

    async def aclose(self: Any) -> None:
        try:
            await bare.aclose(self)
        finally:
            _over(self)

    def __del__(self: Any) -> None:  # noqa: N807
        _over(self)

    methods = (__next__, __anext__, close, aclose)
    own = {method.__name__: method for method in methods if hasattr(bare, method.__name__)}
    names = {"__module__": bare.__module__, "__qualname__": bare.__qualname__, "__doc__": bare.__doc__}
    return type(bare.__name__, (bare,), {**names, **own, "__del__": __del__})


def _over(stream: Any) -> None:
    with guard.shield("response.end"):
        vars(stream)[CALL].closed()
