"""AI21's SDK: every request passes `execute_http_request`, whose answer is a response of httpx, read or yet to be.

Its clients for other clouds rewrite the request later: only the response's own request says where it went, and on which wire.
"""

from __future__ import annotations

from typing import Any

from meter.instrument import flow, http
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers import wires
from meter.providers.model import Provider
from meter.providers.progress import reader_of

NEEDS = ("method", "path", "params", "body", "stream")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched: one method of each of the two clients."""
    sync, waiting = "AI21HTTPClient.execute_http_request", "AsyncAI21HTTPClient.execute_http_request"
    return flow.twins(provider, (sync, flow.once(start, read)), (waiting, flow.once_async(start, read)), NEEDS)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(method, path=None, params=None, body=None, stream=False, …)`."""
    given = {**dict(zip(NEEDS, args, strict=False)), **kwargs}
    body = given.get("body")
    sent = dict(body) if isinstance(body, dict) else body  # a copy: the clients for other clouds take the model out
    call = flow.start(side, client, given["method"], given.get("path") or "", sent)
    if call is not None:
        call.stream = bool(given.get("stream"))
    return call


def read(call: LiveCall, response: Any) -> None:
    """Read a response, or let it carry the call on."""
    address = response.request.url
    sdk = call.facts.sdk
    http.take_address(call, address)
    if call.facts.provider != sdk and (spoken := wires.find(call.facts.provider, "POST", address.path)) is not None:
        call.dialect, call.reader = spoken, reader_of(spoken)
    http.read(call, response)
    if call.dialect.headers and not call.refusal:
        call.take_headers(response.headers)
