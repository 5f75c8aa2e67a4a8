"""Voyage AI's SDK: every request passes `APIRequestor.request`, whose answer is the JSON of a body, already read."""

from __future__ import annotations

from typing import Any

from meter.instrument import facts as facts_of
from meter.instrument import flow
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers.model import Provider

NEEDS = ("method", "url", "params")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    wraps = (("APIRequestor.request", flow.once(start, read)), ("APIRequestor.arequest", flow.once_async(start, read)))
    return flow.patches(provider, wraps, NEEDS)


def start(side: Side, requester: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(method, url, params=None, …)`; the requester is made for this one request."""
    given = {**dict(zip(NEEDS, args, strict=False)), **kwargs}
    call = flow.start(side, requester, given["method"], given["url"], given.get("params"))
    address = getattr(requester, "api_base", None)  # as it was called at first
    if call is not None and isinstance(address, str):
        call.facts = facts_of.elsewhere(call.facts, address)
    return call


def read(call: LiveCall, response: Any) -> None:
    """Read an answer. What has no list in it is an error of a status that the SDK does not know."""
    found = response.data if isinstance(response.data, dict) else {}
    if "data" not in found:
        call.passes, call.refusal, call.trouble = 0, True, "no answer"
    else:
        call.take_whole(found)
