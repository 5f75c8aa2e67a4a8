"""Asking for the usage of a stream that would state none (`stream_options.include_usage`), and taking no for an answer.

The caller's own request is never changed: the option goes into a copy. Who asked himself, or asked for no usage, is left alone;
so are those who read the bytes themselves and would see what we asked for. A server that refuses is asked again without the
option, once, and never asked for it again by this process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meter import settings
from meter.instrument.live import LiveCall

RAW_HEADER = "X-Stainless-Raw-Response"
OPTION = "stream_options"
REFUSALS = frozenset({400, 404, 422})
MAX_REFUSERS = 1000

FIRST_AZURE_VERSION = "2024-09-01-preview"
"""Older versions of Azure's interface refuse the option."""

refusers: set[str] = set()
"""Addresses that refused."""


class Ours(dict[str, bool]):
    """The option where it was we who added it, and the body to which we did."""

    def __init__(self, before: Mapping[str, Any]) -> None:
        super().__init__(include_usage=True)
        self.before = before


def ask(call: LiveCall, options: Any) -> None:
    """Put the option into a copy of the request's body."""
    body = options.json_data
    ours = body.get(OPTION) if isinstance(body, Mapping) else None
    if isinstance(ours, Ours):
        body = ours.before  # another call is under way with these very options
    elif not wanted(call, options):
        return
    call.body_sent, call.options, call.asked = body, options, True
    call.body_asked = options.json_data = {**body, OPTION: Ours(body)}


def take_back(call: LiveCall) -> None:
    """The server refused: restore the request, and never ask this server again."""
    call.asked = False
    call.refused += 1
    call.options.json_data = call.body_sent
    _remember(call)


def leave(call: LiveCall) -> None:
    """Give the request back as it was, unless another call has it now and will do so."""
    if call.options.json_data is call.body_asked:
        call.options.json_data = call.body_sent
    call.options = call.body_asked = None


def wanted(call: LiveCall, options: Any) -> bool:
    """Say whether the option belongs into this request."""
    body, extra, headers = options.json_data, getattr(options, "extra_json", None), options.headers
    if not isinstance(body, Mapping) or body.get("stream") is not True or not settings.get().include_usage:
        return False
    taken = {**body, **extra} if isinstance(extra, Mapping) else body
    if OPTION in taken or "data_sources" in taken:  # with Azure's own data the two are refused together
        return False
    if isinstance(headers, Mapping) and headers.get(RAW_HEADER) == "stream":
        return False
    version = call.facts.api_version
    return call.facts.server not in refusers and (version is None or version >= FIRST_AZURE_VERSION)


def is_wanted(call: LiveCall) -> bool:
    """Say whether the option belongs into the request of an SDK that sends its body as the caller wrote it."""
    return (
        call.stream
        and call.dialect.asks_for_usage
        and isinstance(call.body, Mapping)
        and OPTION not in call.body
        and settings.get().include_usage
        and call.facts.server not in refusers
    )


def with_option(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a request's body that asks for usage."""
    return {**body, OPTION: {"include_usage": True}}


def taken_back(call: LiveCall, error: BaseException) -> bool:
    """Say whether an exception is the server's refusal of what we asked, so that the request goes out again as it was."""
    if not call.asked or not refused(error):
        return False
    call.asked = False
    call.refused += 1
    _remember(call)
    return True


def _remember(call: LiveCall) -> None:
    if call.facts.server is not None and len(refusers) < MAX_REFUSERS:
        refusers.add(call.facts.server)


def refused(error: BaseException) -> bool:
    """Say whether an exception is the server's refusal of the option."""
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    if status not in REFUSALS:
        return False
    return OPTION in f"{error} {getattr(error, 'body', '')}"
