"""google-genai's interactions: made by Speakeasy from the SDK's second version on, and by Stainless before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meter.instrument import flow, http, speakeasy, stainless
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers.interactions import DECISIONS, INTERACTIONS
from meter.providers.model import Provider
from meter.providers.progress import text

MADE_BY_SPEAKEASY = "google.genai._gaos.basesdk"
MADE_BY_STAINLESS = "google.genai._interactions._base_client"
SINCE = "1.55.0"


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched: one of the two is there."""
    part = replace(provider, part="interactions", since=SINCE, dialects=(INTERACTIONS, DECISIONS), clients={}, flags={})
    new = replace(part, modules=(MADE_BY_SPEAKEASY,))
    old = replace(part, modules=(MADE_BY_STAINLESS,), address="base_url", attributes={})
    wraps = (
        ("BaseSDK.do_request", flow.once(start, http.read, aside=speakeasy.look)),
        ("AsyncBaseSDK.do_request_async", flow.once_async(start, http.read, aside=speakeasy.look)),
    )
    return [*flow.patches(new, wraps, speakeasy.NEEDS), *stainless.patches(old)]


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call. One that asks an agent names no model."""
    call = speakeasy.start(side, client, args, kwargs)
    if call is not None and call.record.request_model is None:
        call.record.request_model = text(call.body.get("agent"))
    return call
