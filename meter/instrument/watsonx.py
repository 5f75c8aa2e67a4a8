"""IBM watsonx.ai's SDK: every request passes `send` of its own two subclasses of httpx's clients.

Models hold on to `post` and `stream`, so it is `send` that is wrapped. It is inherited, and goes when metering is switched off.
"""

from __future__ import annotations

import re
from typing import Any

from meter.instrument import flow, http
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers.model import Provider
from meter.providers.progress import text

NEEDS = ("request", "stream")
DEPLOYMENT = re.compile(r"/deployments/([^/]+)/")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched: one method of each of the two clients."""
    sync, waiting = (
        ("HTTPXClient.send", flow.once(start, read)),
        ("HTTPXAsyncClient.send", flow.once_async(start, read)),
    )
    return flow.twins(provider, sync, waiting, NEEDS)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(request, *, stream=False, …)`."""
    request = args[0] if args else kwargs["request"]
    url = request.url
    if side.find(request.method, url.path) is None:
        return None
    body = http.json_of(request)
    call = flow.start(side, client, request.method, url.path, body)
    if call is None:
        return None
    http.take_address(call, url)
    call.stream = bool(kwargs.get("stream"))
    call.record.project = text(body.get("project_id") or body.get("space_id"))
    if (found := DEPLOYMENT.search(url.path)) is not None:
        call.record.deployment = found[1]
    return call


def read(call: LiveCall, response: Any) -> None:
    """Read a response, or let it carry the call on. Its key is a token that changes by the hour, and tells nothing."""
    http.read(call, response)
    call.record.key = None
