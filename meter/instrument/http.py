"""Answers that are responses of an HTTP library: read at once where the body is there, else tied to the call until they end."""

from __future__ import annotations

from typing import Any

import msgspec

from meter.instrument import facts
from meter.instrument.live import LiveCall
from meter.instrument.taps import attach
from meter.providers.reading import UNREADABLE


def read(call: LiveCall, response: Any) -> None:
    """Read a response, or let it carry the call on. One with another status than 2xx was no answer."""
    if not 200 <= response.status_code < 300:
        call.passes = 0
        call.trouble = f"HTTP {response.status_code}"
        call.refusal = True
        return
    content = None if call.stream else content_of(response)
    if content is None:
        call.stream = True
        attach(response, call)
    else:
        call.take_body(content)
    facts.take_headers(call.record, response, call.facts)


def content_of(message: Any) -> Any:
    """Return the bytes of a response, or of a request; None where they have not been read."""
    try:
        return message.content
    except RuntimeError:
        return None


def json_of(request: Any) -> dict[str, Any]:
    """Return what a request says in JSON, an empty dict for a form."""
    try:
        body = msgspec.json.decode(content_of(request) or b"{}")
    except UNREADABLE:
        return {}
    return body if isinstance(body, dict) else {}


def take_address(call: LiveCall, url: Any) -> None:
    """Note where a request goes (an URL of httpx), for SDKs whose client does not say so."""
    call.facts = facts.at(call.facts, url.host, url.port)
