"""huggingface_hub: every inference passes `InferenceClient._inner_post`, whose answer is a body's bytes, or a stream's lines.

A stream states its usage only if asked; we ask in a copy of the request, as for OpenAI's SDK, and hide the line that tells.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from meter import settings
from meter.instrument import facts as facts_of
from meter.instrument import flow, usage_option
from meter.instrument.flow import AsyncSentTap, Bare, SentTap
from meter.instrument.live import LiveCall, link
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers import wires
from meter.providers.model import Provider
from meter.providers.watching import decoder_of, watcher_of

NEEDS = ("request_parameters", "stream")
BEARER = "bearer "
LAST = b"data: [DONE]"


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    side = Side(provider)
    sync, waiting = provider.modules
    return [
        Patch(provider, sync, "InferenceClient._inner_post", functools.partial(wrap, side), NEEDS),
        Patch(provider, waiting, "AsyncInferenceClient._inner_post", functools.partial(wrap_async, side), NEEDS),
    ]


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(request_parameters, *, stream=False)`, which say where it goes: the Hub, or a vendor behind it."""
    request = kwargs["request_parameters"] if "request_parameters" in kwargs else args[0]
    address = urlsplit(str(request.url))
    facts = facts_of.at(facts_of.of(client, side.provider), address.hostname or "", address.port)
    dialect = wires.find(facts.provider, "POST", address.path)
    if dialect is None:
        return None
    call = flow.begin(side, client, dialect, request.json, wires.model_in(dialect, address.path) or request.model)
    call.facts = facts
    if isinstance(request.json, dict) and isinstance(model := request.json.get("model"), str):
        call.record.request_model = model
    call.record.key = _key(request.headers)
    call.stream = bool(kwargs.get("stream"))
    return call


def _key(headers: Any) -> str | None:
    sent = str((headers or {}).get("authorization") or (headers or {}).get("Authorization") or "")
    return facts_of.fingerprint(sent[len(BEARER) :].encode()) if sent.lower().startswith(BEARER) else None


def asked(call: LiveCall | None, request: Any) -> Any:
    """Return the request that is to be sent: with our question, where it states no usage otherwise."""
    body = request.json
    if (
        call is None
        or not (call.stream and call.dialect.asks_for_usage)
        or not isinstance(body, dict)
        or usage_option.OPTION in body
        or not settings.get().include_usage
        or call.facts.server in usage_option.refusers
    ):
        return request
    call.asked = True
    return dataclasses.replace(request, json={**body, usage_option.OPTION: {"include_usage": True}})


def retake(call: LiveCall | None, error: BaseException) -> bool:
    """Say whether an error is the server's refusal of our question, so that the request goes out again as it was."""
    if call is None or not call.asked or not usage_option.refused(error):
        return False
    call.asked = False
    call.refused += 1
    if call.facts.server is not None and len(usage_option.refusers) < usage_option.MAX_REFUSERS:
        usage_option.refusers.add(call.facts.server)
    return True


def read(call: LiveCall, body: Any) -> None:
    """Read an answer."""
    call.take_body(body)


def watch(call: Any, line: Any) -> bool:
    """Read one line of a stream; say whether it is the one that only we asked for."""
    data = line.encode() if isinstance(line, str) else line
    if data.startswith(LAST):  # where the SDK leaves the stream
        call.ended = True
    event = decoder_of(call.dialect)(data[5:]) if data.startswith(b"data:") else None
    return False if event is None else watcher_of(call.dialect)(call, event)


def wrap(side: Side, bare: Bare) -> Bare:
    """Wrap `_inner_post`."""

    @functools.wraps(bare)
    def _inner_post(self: Any, request_parameters: Any, *args: Any, **kwargs: Any) -> Any:
        call, outer = flow.begun(start, side, self, (request_parameters,), kwargs), link.get()
        link.set(call)
        try:
            try:
                result = bare(self, asked(call, request_parameters), *args, **kwargs)
            except Exception as error:
                if not retake(call, error):
                    raise
                result = bare(self, request_parameters, *args, **kwargs)
        except BaseException as error:
            _failed(call, error)
            raise
        finally:
            link.set(outer)
        return _answer(call, result, SentTap)

    return _inner_post


def wrap_async(side: Side, bare: Bare) -> Bare:
    """Wrap an asynchronous `_inner_post`."""

    @functools.wraps(bare)
    async def _inner_post(self: Any, request_parameters: Any, *args: Any, **kwargs: Any) -> Any:
        call, outer = flow.begun(start, side, self, (request_parameters,), kwargs), link.get()
        link.set(call)
        try:
            try:
                result = await bare(self, asked(call, request_parameters), *args, **kwargs)
            except Exception as error:
                if not retake(call, error):
                    raise
                result = await bare(self, request_parameters, *args, **kwargs)
        except BaseException as error:
            _failed(call, error)
            raise
        finally:
            if link.get() is call:
                link.set(outer)
        return _answer(call, result, AsyncSentTap)

    return _inner_post


def _failed(call: LiveCall | None, error: BaseException) -> None:
    if call is not None:
        flow.failed(call, error)


def _answer(call: LiveCall | None, result: Any, tap: Callable[..., Any]) -> Any:
    if call is None:
        return result
    if not call.stream:
        flow.answered(call, read, result)
        return result
    call.passes = 1
    return tap(result, call, watch)
