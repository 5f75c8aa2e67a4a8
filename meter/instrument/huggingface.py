"""huggingface_hub: every inference passes `InferenceClient._inner_post`, whose answer is a body's bytes, or a stream's lines.

A stream states its usage only if asked; we ask in a copy of the request, as for OpenAI's SDK, and hide the line that tells.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from meter.instrument import flow, http, usage_option
from meter.instrument.flow import Arguments, AsyncSentTap, SentTap
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers.model import Provider
from meter.providers.progress import text
from meter.providers.watching import decoder_of, watcher_of

NEEDS = ("request_parameters", "stream")
LAST = b"data: [DONE]"


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    sync = ("InferenceClient._inner_post", flow.once(start, read, ask))
    waiting = ("AsyncInferenceClient._inner_post", flow.once_async(start, read, ask))
    return flow.twins(provider, sync, waiting, NEEDS)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(request_parameters, *, stream=False)`, which say where it goes: the Hub, or a vendor behind it."""
    request = kwargs["request_parameters"] if "request_parameters" in kwargs else args[0]
    call = flow.start_at(side, client, "POST", str(request.url), lambda: request.json)
    if call is None:
        return None
    http.take_key(call, (request.headers or {}).items())
    call.record.request_model = call.record.request_model or text(request.model)
    call.stream = bool(kwargs.get("stream"))
    return call


def ask(_: LiveCall, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Ask for usage in a copy of the request."""
    request = kwargs["request_parameters"] if "request_parameters" in kwargs else args[0]
    asking = dataclasses.replace(request, json=usage_option.with_option(request.json))
    if "request_parameters" in kwargs:
        return Arguments(args, {**kwargs, "request_parameters": asking})
    return Arguments((asking, *args[1:]), kwargs)


def read(call: LiveCall, result: Any) -> Any:
    """Read an answer, or tap the lines of a stream."""
    if not call.stream:
        return call.take_body(result)
    return (AsyncSentTap if hasattr(result, "__anext__") else SentTap)(result, call, watch)


def watch(call: Any, line: Any) -> bool:
    """Read one line of a stream; say whether it is the one that only we asked for."""
    data = line.encode() if isinstance(line, str) else line
    if data.startswith(LAST):  # where the SDK leaves the stream
        call.ended = True
    event = decoder_of(call.dialect)(data[5:]) if data.startswith(b"data:") else None
    return False if event is None else watcher_of(call.dialect)(call, event)
