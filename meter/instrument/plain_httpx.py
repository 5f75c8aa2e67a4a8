"""httpx and httpx2: every request passes `Client.send`, or `AsyncClient.send`."""

from __future__ import annotations

import functools
from typing import Any

from meter.instrument import flow, http
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.plain import elsewhere, noticed
from meter.instrument.side import Side
from meter.providers.model import Provider

NEEDS = ("request", "stream")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the library."""
    wraps = (
        ("Client.send", flow.once(start, http.read)),
        ("AsyncClient.send", flow.once_async(start, http.read)),
    )
    return flow.patches(provider, wraps, NEEDS)


def start(_: Side, __: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(request, *, stream=False, …)`, if it is one that no SDK makes and that is to be metered."""
    request = args[0] if args else kwargs["request"]
    url = request.url
    host = url.raw_host
    if host in elsewhere:
        return None
    call = noticed(request.method, url.host, url.port, url.path, host, functools.partial(http.json_of, request))
    if call is not None:
        call.stream = bool(kwargs.get("stream"))
    return call
