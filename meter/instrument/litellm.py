"""LiteLLM: what it does not leave to an SDK passes `HTTPHandler.post` or `AsyncHTTPHandler.post`, below its caches and retries.

So the numbers are those of the wire, not LiteLLM's own, and a call that it leaves to an SDK is that SDK's.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from meter.instrument import flow, http, usage_option
from meter.instrument.flow import Arguments
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers.litellm import named
from meter.providers.model import Provider
from meter.providers.reading import dig

NEEDS = ("url", "data", "json")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    wraps = (
        ("HTTPHandler.post", flow.once(start, http.read, ask)),
        ("AsyncHTTPHandler.post", flow.once_async(start, http.read, ask)),
    )
    return flow.patches(provider, wraps, NEEDS)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(url, data=None, json=None, …, stream=False, logging_obj=None)`, if its path is one of the vendor's."""
    given = {**dict(zip(NEEDS, args, strict=False)), **kwargs}
    behind = _provider(given.get("logging_obj"))
    call = flow.start_at(side, client, "POST", str(given["url"]), partial(_body, given), behind)
    if call is not None:
        call.stream = bool(given.get("stream"))
    return call


def ask(call: LiveCall, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments | None:
    """Ask for usage in a copy of the body. LiteLLM itself hides the usage of a stream from those who did not ask."""
    if len(args) > len(NEEDS):
        return None
    given = {**dict(zip(NEEDS, args, strict=False)), **kwargs}
    asking = usage_option.with_option(call.body)
    body = {"json": asking} if given.get("json") else {"data": msgspec.json.encode(asking).decode()}
    return Arguments((), {**given, **body})


def _provider(logging: Any) -> str | None:
    """Return the provider that LiteLLM calls, where it says so: it may be behind an address of one's own."""
    name = dig(getattr(logging, "model_call_details", None), ("custom_llm_provider",))
    return named(name) if isinstance(name, str) and name else None


def _body(given: dict[str, Any]) -> Any:
    return http.json_in(given.get("json") or given.get("data"))
