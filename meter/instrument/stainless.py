"""The SDKs made by Stainless share three places where every call passes, whatever method made it:

* `{Sync,Async}APIClient.request`, once for each call: what was asked, by whom, and how it ended;
* `{Sync,Async}APIClient._process_response`, for each answer: its bytes, before anyone can change what is made of them;
* `{,Async}Stream.__stream__`, once for each stream: its events.

Each is wrapped on its own. Without the second or the third, the first still finds the usage in what it returns.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from meter import guard, recorder
from meter.errors import BudgetExceeded
from meter.instrument import facts as facts_of
from meter.instrument import usage_option
from meter.instrument.lines import read_whole
from meter.instrument.live import LiveCall, link
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.instrument.taps import AsyncEventTap, EventTap, LinkTap, Veil, attach, attached_call, passed_call
from meter.providers import beside
from meter.providers.model import Provider
from meter.providers.progress import text

Bare = Callable[..., Any]
Wrap = Callable[[Bare, Side], Bare]
UNKNOWN: Any = object()
RETRY_COUNT = "x-stainless-retry-count"


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK; `request` last, since it relies on the others."""
    found: list[Patch] = []
    for module in provider.modules:
        for kind, stream in (("SyncAPIClient", "Stream"), ("AsyncAPIClient", "AsyncStream")):
            side = Side(provider)
            wraps = (
                (f"{kind}._process_response", wrap_answer, wrap_async_answer, ("options", "response", "stream")),
                (f"{stream}.__stream__", wrap_stream, wrap_stream, ()),
                (f"{kind}.request", wrap_request, wrap_async_request, ("cast_to", "options")),
            )
            found += [
                Patch(provider, module, name, functools.partial(_wrap, side, plain, waiting), needs)
                for name, plain, waiting, needs in wraps
            ]
    return found


def _wrap(side: Side, plain: Wrap, waiting: Wrap, bare: Bare) -> Bare:
    """Wrap an attribute as what it is: early versions had one synchronous `_process_response` for both clients."""
    from inspect import iscoroutinefunction

    return (waiting if iscoroutinefunction(bare) else plain)(bare, side)


def wrap_request(bare: Bare, side: Side) -> Bare:
    """Wrap `request`: one call from begin to end, unless a stream carries it on."""

    @functools.wraps(bare)
    def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        call, outer = begin(side, self, options, kwargs), link.get()
        if call is None and outer is None:
            return bare(self, cast_to, options, *args, **kwargs)
        link.set(call)
        try:
            while True:
                try:
                    result = bare(self, cast_to, options, *args, **kwargs)
                except BaseException as error:  # noqa: PERF203 - a second turn only where our addition was refused
                    if not raised(call, error):
                        raise
                else:
                    if call is not None:
                        returned(side, self, call, result)
                    return result
        finally:
            leave(call, outer)

    return request


def wrap_async_request(bare: Bare, side: Side) -> Bare:
    """Wrap an asynchronous `request`; apart from awaiting, the same."""

    @functools.wraps(bare)
    async def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        call, outer = begin(side, self, options, kwargs), link.get()
        if call is None and outer is None:
            return await bare(self, cast_to, options, *args, **kwargs)
        link.set(call)
        try:
            while True:
                try:
                    result = await bare(self, cast_to, options, *args, **kwargs)
                except BaseException as error:  # noqa: PERF203 - a second turn only where our addition was refused
                    if not raised(call, error):
                        raise
                else:
                    if call is not None:
                        returned(side, self, call, result)
                    return result
        finally:
            leave(call, outer)

    return request


def wrap_answer(bare: Bare, side: Side) -> Bare:
    """Wrap `_process_response`: read the answer before the SDK, which may raise although it was billed."""

    @functools.wraps(bare)
    def answer(self: Any, *args: Any, **kwargs: Any) -> Any:
        observe(side, self, kwargs)
        return bare(self, *args, **kwargs)

    side.sees_answers = True
    return answer


def wrap_async_answer(bare: Bare, side: Side) -> Bare:
    """Wrap an asynchronous `_process_response`."""

    @functools.wraps(bare)
    async def answer(self: Any, *args: Any, **kwargs: Any) -> Any:
        observe(side, self, kwargs)
        return await bare(self, *args, **kwargs)

    side.sees_answers = True
    return answer


def wrap_stream(bare: Bare, side: Side) -> Bare:
    """Wrap `__stream__`: tap the events of a stream that carries a call on."""
    import wrapt  # its wrapper stays a generator function to those who ask

    def stream(wrapped: Bare, instance: Any, args: Any, kwargs: Any) -> Any:
        return tapped(wrapped(*args, **kwargs), instance)

    side.sees_events = True
    wrapper: Bare = wrapt.FunctionWrapper(bare, stream)
    return wrapper


def begin(side: Side, client: Any, options: Any, kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call if the request is one."""
    try:
        method, url = options.method, options.url
        dialect = side.known.get((method, url), UNKNOWN)
        if dialect is UNKNOWN:
            dialect = side.dialect(method, url)
        if dialect is None:
            return None
        body = options.json_data
        facts = facts_of.of(client, side.provider)
        if url[0:4] == "http":
            facts = facts_of.elsewhere(facts, url)
        if facts.provider != side.provider.name:
            dialect = side.spoken(dialect, facts.provider, url)
        call = LiveCall(dialect, recorder.start(), facts, body)
        if type(body) is dict:
            model = body.get("model")
            if type(model) is str and not options.extra_json and "service_tier" not in body:
                call.record.request_model = model
            else:
                describe(call, body, options.extra_json)
        if kwargs.get("stream"):
            call.stream = True
            # a class of the caller's that reads the events itself would see what we asked for
            stream_cls = kwargs.get("stream_cls")
            if dialect.asks_for_usage and side.owns(getattr(stream_cls, "__origin__", stream_cls), "__stream__"):
                usage_option.ask(call, options)
    except BudgetExceeded:
        raise
    except Exception:  # noqa: BLE001 - written out: this is the path of every call
        guard.fail("call.begin")
        return None
    return call


def describe(call: LiveCall, body: dict[str, Any], extra: Any) -> None:
    """Note what the request says of itself, in the body or beside it."""
    asked = {**body, **extra} if isinstance(extra, Mapping) else body
    call.record.request_model, call.record.requested_tier = text(asked.get("model")), text(asked.get("service_tier"))


def raised(call: LiveCall | None, error: BaseException) -> bool:
    """Note how the call failed; say whether it is to be sent again as the caller wrote it."""
    if call is not None:
        with guard.shield("call.error"):
            if call.asked and not call.passes and usage_option.refused(error):
                usage_option.take_back(call)
                return True
            if call.attempts is None:
                call.attempts = attempts(error)
            call.failed(error)
    return False


def returned(side: Side, client: Any, call: LiveCall, result: Any) -> None:
    """End a call whose answer was read. A stream ends later, and a call that a middleware answered was none."""
    if call.passes and not call.attached:
        if call.stream:
            tap_untied(result)
        if not call.attached:
            call.end("ok")
    elif unseen(side, client, call):
        with guard.shield("call.result"):
            adopt(call, result)
        if not call.attached:
            call.end("ok")


def tap_untied(result: Any) -> None:
    """Let `tapped` see, while the call can still be found, a stream that could not be tied to its response."""
    with guard.shield("call.result"):
        getattr(result, "_iterator", None)  # later versions make it when it is first asked for


def unseen(side: Side, client: Any, call: LiveCall) -> bool:
    """Say whether the answer, or the events of its stream, passed none of the places that are wrapped."""
    if not side.sees_answers or not (call.passes or side.owns(type(client), "_process_response")):
        return True
    return call.attached and not side.sees_events


def leave(call: LiveCall | None, outer: LiveCall | None) -> None:
    """Leave `request`. A coroutine may be closed in another context, so the link is not reset by token."""
    if link.get() is call:
        link.set(outer)
    if call is not None and call.options is not None:
        usage_option.leave(call)


def observe(side: Side, client: Any, kwargs: dict[str, Any]) -> None:
    """Read an answer, or tie the call to a response that is read later. Each answer with status 2xx was billed."""
    try:
        response = kwargs["response"]
        if not 200 <= response.status_code < 300:
            return
        call = link.get()
        if call is None and side.provider.beside and observe_beside(side, client, kwargs):
            return
        hop = call is None or call.passes > 0
        if hop:
            call = begin_hop(side, client, call, kwargs["options"])
        if call is None:
            return
        call.passes += 1
        if (retries := kwargs.get("retries_taken")) is not None:
            call.attempts = retries + 1
        content = None if kwargs["stream"] else body_of(response)
        if content is None:
            call.stream = bool(kwargs["stream"])
            attach(response, call)
        elif call.dialect.opaque:
            read_whole(call, content, response.headers.get("content-type", ""))
        else:
            call.take_body(content)
        facts_of.take_headers(call.record, response, call.facts)
        if hop and content is not None:
            call.end("ok")
    except Exception:  # noqa: BLE001 - written out: this is the path of every call
        guard.fail("call.answer")


def observe_beside(side: Side, client: Any, kwargs: dict[str, Any]) -> bool:
    """Read an answer that is no call's and tells of some; say whether this is one."""
    options, response = kwargs["options"], kwargs["response"]
    found = beside.find(options.method, options.url, side.provider.beside)
    if found is None:
        return False
    from meter.instrument.beside import read  # here: most services never ask for such

    kind, name = found[0].kind, found[1]
    read(kind, name, response, facts_of.of(client, side.provider), None if kwargs["stream"] else body_of(response))
    return True


def begin_hop(side: Side, client: Any, parent: LiveCall | None, options: Any) -> LiveCall | None:
    """Begin a call for a second answer to one request: a middleware asked again, perhaps another model."""
    if parent is None and not client.__dict__.get("_middleware"):
        return None
    dialect = parent.dialect if parent is not None else side.dialect(options.method, options.url)
    if dialect is None:
        return None
    call = LiveCall(dialect, recorder.start(), facts_of.of(client, side.provider), options.json_data)
    if isinstance(options.json_data, dict):
        describe(call, options.json_data, options.extra_json)
    if parent is not None:
        call.record.parent = parent.record.id
    return call


def body_of(response: Any) -> Any:
    """Return a response's body, or None if it has not been read: `with_streaming_response` leaves that to the caller."""
    try:
        return response.content
    except RuntimeError:
        return None


def tapped(source: Any, stream: Any) -> Any:
    """Return a tap on the events of a stream that carries a call, or the source as it is."""
    call = untied()
    try:
        if (tied := attached_call(stream.response)) is not None:
            call = tied
        elif call is not None:
            call.attached = call.loose = True
        if call is not None:
            return tap_of(source)(source, call)
        call = passed_call(stream.response)
        if call is not None and getattr(stream._client, "_middleware", None):
            return LinkTap(source, call)
    except Exception:  # noqa: BLE001 - counted: the stream goes on without a tap
        guard.fail("stream.tap")
    return Veil(source, call) if call is not None and call.asked else source


def untied() -> LiveCall | None:
    """Return the call whose stream is being made here although it could not be tied to its response."""
    call = link.get()
    return call if call is not None and call.stream and call.passes and not call.attached else None


def tap_of(source: Any) -> type[EventTap] | type[AsyncEventTap]:
    """Return the tap that fits a source."""
    return AsyncEventTap if hasattr(source, "__anext__") else EventTap


def adopt(call: LiveCall, result: Any) -> None:
    """Find the usage in what `request` returns: for versions that lack one of the other two places."""
    response = getattr(result, "http_response", None)
    if hasattr(result, "_iterator") and hasattr(result, "response"):
        source = result._iterator
        with guard.shield("call.answer"):
            attach(result.response, call)
        result.__dict__["_iterator"] = tap_of(source)(source, call)
        call.loose, call.attached = not call.attached, True
    elif response is None:
        call.take_whole(result)
        call.end("ok")
    elif not call.attached:
        if (content := body_of(response)) is None:
            attach(response, call)
        else:
            call.take_body(content)
            call.end("ok")


def attempts(error: BaseException) -> int | None:
    """Return how often the SDK sent a request that failed, where the last one says so."""
    request = getattr(error, "request", None)
    headers: Mapping[str, str] = getattr(request, "headers", None) or {}
    count = headers.get(RETRY_COUNT, "")
    return int(count) + 1 if count.isdigit() else None
