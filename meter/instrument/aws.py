"""boto3 and aiobotocore: every call of every service passes `_make_api_call`; those of Bedrock's runtime are looked at.

Converse comes back as a dict. The body of InvokeModel is the caller's to read: its counts are in the headers. A stream is an
`EventStream`, whose class is swapped for a subclass that shows us each event it hands out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec

from meter import guard
from meter.instrument import flow
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.instrument.taps import AsyncEventTap, EventTap
from meter.providers.bedrock import CONVERSE, INVOKE, ConverseEvent
from meter.providers.model import Dialect, Provider
from meter.providers.progress import text
from meter.providers.reading import dig
from meter.providers.watching import decoder_of, watcher_of

SERVICE = "bedrock-runtime"

OPERATIONS: dict[str, tuple[Dialect, str | None]] = {
    "Converse": (CONVERSE, None),
    "ConverseStream": (CONVERSE, "stream"),
    "InvokeModel": (INVOKE, None),
    "InvokeModelWithResponseStream": (INVOKE, "body"),
}
"""Operation → its wire, and the field of the answer that holds a stream."""

TELLING = ("metadata", "contentBlockDelta")
"""Events of Converse that say something of usage or of text."""

TIER = "x-amzn-bedrock-service-tier"
CALL = "_meter_call"
"""Where a stream holds its call. The call never refers back."""


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched: one method of each of the two clients."""
    kinds = {"botocore.client": ("BaseClient", flow.once), "aiobotocore.client": ("AioBaseClient", flow.once_async)}
    found = []
    for module in provider.modules:
        kind, wrap = kinds[module]
        wrapping = functools.partial(wrap(start, read), Side(provider))
        found.append(Patch(provider, module, f"{kind}._make_api_call", wrapping, ("operation_name", "api_params")))
    return found


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(operation_name, api_params)`."""
    operation, params = (*args, *(kwargs[name] for name in ("operation_name", "api_params")[len(args) :]))[:2]
    if operation not in OPERATIONS or client.meta.service_model.service_name != SERVICE:
        return None
    body = {**params, "body": params["body"].encode()} if isinstance(params.get("body"), str) else params
    call = flow.begin(side, client, OPERATIONS[operation][0], body, params.get("modelId"))
    call.record.requested_tier = text(_tier(params.get("serviceTier")))
    call.stream = OPERATIONS[operation][1] is not None
    model = call.record.request_model or ""
    if model.startswith("arn:"):
        call.record.deployment = model
    return call


def read(call: LiveCall, result: dict[str, Any]) -> None:
    """Read an answer, or tie the call to the stream in it."""
    metadata = result.get("ResponseMetadata") or {}
    call.record.response_id = text(metadata.get("RequestId"))
    if isinstance(retries := metadata.get("RetryAttempts"), int):
        call.attempts = retries + 1
    headers = metadata.get("HTTPHeaders") or {}
    call.record.tier = text(_tier(result.get("serviceTier")) or headers.get(TIER))
    if call.stream:
        attach(result["stream" if call.dialect is CONVERSE else "body"], call)
    elif call.dialect is CONVERSE:
        call.take_whole({"usage": result.get("usage"), "service_tier": call.record.tier})
    else:
        call.take_headers(headers)
        call.complete = True


def _tier(stated: Any) -> Any:
    """Return the name of a tier: Converse has an object around it."""
    return dig(stated, ("type",)) if isinstance(stated, dict) else stated


def attach(stream: Any, call: LiveCall) -> None:
    """Let the stream carry the call on."""
    vars(stream)[CALL] = call
    kind: Any = type(stream)
    stream.__class__ = watched(kind)
    call.attached = True


def watch(call: Any, event: Any) -> bool:
    """Read one event as botocore hands it out: a dict with one key, its kind."""
    kind, value = next(iter(event.items()))
    if call.dialect is CONVERSE and kind in TELLING:
        return watcher_of(CONVERSE)(call, msgspec.convert({"type": kind, **value}, ConverseEvent, strict=False))
    if kind == "chunk" and (inner := decoder_of(INVOKE)(value["bytes"])) is not None:
        return watcher_of(INVOKE)(call, inner)
    call.chunks += 1
    return False


class StreamTap(EventTap):
    """Passes on the events of a stream."""

    def __init__(self, source: Any, call: LiveCall) -> None:
        self._source, self._call, self._watch = source, call, watch


class AsyncStreamTap(AsyncEventTap):
    """Passes on the events of a stream, asynchronously."""

    def __init__(self, source: Any, call: LiveCall) -> None:
        self._source, self._call, self._watch = source, call, watch


@functools.cache
def watched(bare: Any) -> Any:
    """Return a subclass of a stream's class that shows its call what it hands out, and tells it of its end."""

    def __iter__(self: Any) -> Any:  # noqa: N807
        return _tapped(self, bare.__iter__(self), StreamTap)

    def __aiter__(self: Any) -> Any:  # noqa: N807
        return _tapped(self, bare.__aiter__(self), AsyncStreamTap)

    def close(self: Any) -> Any:
        try:
            return bare.close(self)
        finally:
            _over(self)

    def __del__(self: Any) -> None:  # noqa: N807
        _over(self)

    methods = [__iter__, close, __del__, *((__aiter__,) if hasattr(bare, "__aiter__") else ())]
    names = {"__module__": bare.__module__, "__qualname__": bare.__qualname__, "__doc__": bare.__doc__}
    return type(bare.__name__, (bare,), {**names, **{method.__name__: method for method in methods}})


def _tapped(stream: Any, source: Any, tap: Callable[[Any, LiveCall], Any]) -> Any:
    call = vars(stream).get(CALL)
    return source if call is None or call.done else tap(source, call)


def _over(stream: Any) -> None:
    with guard.shield("response.end"):
        if (call := vars(stream).get(CALL)) is not None:
            call.closed()
