"""LiteLLM: what it does not leave to an SDK passes `HTTPHandler.post` or `AsyncHTTPHandler.post`, below its caches and retries.

So the numbers are those of the wire, not LiteLLM's own, and a call that it leaves to an SDK is that SDK's.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from meter.instrument import facts as facts_of
from meter.instrument import flow, http, usage_option
from meter.instrument.flow import Arguments
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers import wires
from meter.providers.litellm import named
from meter.providers.model import Provider
from meter.providers.reading import UNREADABLE, dig

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
    address = urlsplit(str(given["url"]))
    facts = facts_of.of(client, side.provider)
    behind = _provider(given.get("logging_obj"))
    facts = facts_of.at(facts, address.hostname or "", address.port, behind)
    dialect = wires.find(facts.provider, "POST", address.path) or (behind and wires.find(behind, "POST", address.path))
    if not dialect:
        return None
    call = flow.begin(side, client, dialect, _body(given), wires.model_in(dialect, address.path))
    call.facts = facts
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
    body = given.get("json") or given.get("data")
    if isinstance(body, str | bytes):
        try:
            return msgspec.json.decode(body)
        except UNREADABLE:
            return {}
    return body
