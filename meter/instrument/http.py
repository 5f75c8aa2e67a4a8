"""Answers that are responses of an HTTP library: read at once where the body is there, else tied to the call until they end."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from meter.instrument import facts
from meter.instrument.live import LiveCall
from meter.instrument.taps import attach
from meter.providers.reading import Json, as_object


def read(call: LiveCall, response: Any) -> None:
    """Read a response, or let it carry the call on."""
    if not is_answer(call, response.status_code):
        return
    content = None if call.stream else content_of(response)
    if content is None:
        call.stream = True
        attach(response, call)
    else:
        call.take_body(content)
    facts.take_headers(call.record, response, call.facts)


def is_answer(call: LiveCall, status: int) -> bool:
    """Say whether a response is an answer. One with another status than 2xx is none, and was not billed."""
    if 200 <= status < 300:
        return True
    call.passes, call.refusal, call.trouble = 0, True, f"HTTP {status}"
    return False


def content_of(message: Any) -> Any:
    """Return the bytes of a response, or of a request; None where they have not been read."""
    try:
        return message.content
    except RuntimeError:
        return None


def json_of(request: Any) -> Json:
    """Return what a request says in JSON."""
    return json_in(content_of(request))


def json_in(body: Any) -> Json:
    """Return what a body says in JSON; an empty dict for a form or a file, and for what has not been read."""
    return as_object(body) if isinstance(body, dict | str | bytes) else {}


def take_address(call: LiveCall, url: Any) -> None:
    """Note where a request goes (an URL of httpx), for SDKs whose client does not say so."""
    call.facts = facts.at(call.facts, url.host, url.port)


def take_key(call: LiveCall, sent: Iterable[tuple[str, Any]]) -> None:
    """Take the key in the headers of a request, for SDKs whose client does not have it."""
    call.facts.configured_key = functools.partial(facts.key_in, sent)
    call.record.key = call.facts.key
