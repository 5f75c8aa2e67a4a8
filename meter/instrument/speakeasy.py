"""The SDKs made by Speakeasy (Mistral, OpenRouter): every call passes `BaseSDK.do_request` once, with its whole request."""

from __future__ import annotations

from typing import Any

from meter.instrument import facts as facts_of
from meter.instrument import flow, http
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers import beside
from meter.providers.model import Provider

KIND = "BaseSDK"
NEEDS = ("hook_ctx", "request")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in each copy of the SDK's base."""
    wraps = (
        (f"{KIND}.do_request", flow.once(start, http.read, aside=look)),
        (f"{KIND}.do_request_async", flow.once_async(start, http.read, aside=look)),
    )
    return flow.patches(provider, wraps, NEEDS)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(hook_ctx, request, …, stream=False)`: the request is whole, and has its body as bytes."""
    request = kwargs["request"] if "request" in kwargs else args[1]
    dialect = side.find(request.method, request.url.path)
    if dialect is None:
        return None
    call = flow.begin(side, client, dialect, http.json_of(request))
    call.stream = bool(kwargs.get("stream", args[3] if len(args) > 3 else False))
    http.take_address(call, request.url)
    return call


def look(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any], response: Any) -> None:
    """Look at the answer to a request that is no call: it may be a batch's."""
    request = kwargs["request"] if "request" in kwargs else args[1]
    found = beside.find(request.method, request.url.path, side.provider.beside)
    if found is None or not 200 <= response.status_code < 300:
        return
    from meter.instrument.beside import read  # here: most services never ask for such

    facts = facts_of.at(facts_of.of(client, side.provider), request.url.host, request.url.port)
    read(found[0].kind, found[1], response, facts, http.content_of(response))
