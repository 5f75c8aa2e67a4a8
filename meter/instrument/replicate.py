"""Replicate's SDK: every request passes `Client._request`. A prediction that is not over with the reply is recorded when it is
looked at and is over, once, with the tags of whoever asked for it; one that was asked for elsewhere is none of ours.
"""

from __future__ import annotations

import re
from typing import Any

from meter import keepsake
from meter.instrument import beside, flow, http
from meter.instrument import facts as facts_of
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers.beside import moment
from meter.providers.model import Provider
from meter.providers.replicate import OVER, PREDICTIONS, decode_state

NEEDS = ("method", "path")
PLACE = re.compile(r"/(models|deployments)/([^/]+/[^/]+)/predictions$")
LOOKED_AT = re.compile(r"/predictions/([^/]+)(?:/cancel)?$")
WAITS = PREDICTIONS.deferred


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    wraps = (
        ("Client._request", flow.once(start, read, aside=looked_at)),
        ("Client._async_request", flow.once_async(start, read, aside=looked_at)),
    )
    return flow.patches(provider, wraps, NEEDS)


def start(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> LiveCall | None:
    """Begin a call from `(method, path, **kwargs)`."""
    method, path = (*args, *(kwargs[name] for name in NEEDS[len(args) :]))[:2]
    sent = kwargs.get("json")
    asked: dict[str, Any] = sent if isinstance(sent, dict) else {}
    call = flow.start(side, client, method, path, {"input": asked.get("input"), "stream": asked.get("stream")})
    if call is not None and (found := PLACE.search(path)) is not None:
        name = "request_model" if found[1] == "models" else "deployment"
        setattr(call.record, name, found[2])
    return call


def read(call: LiveCall, response: Any) -> None:
    """Read the reply. One that has only begun is free; a stream states no usage, and is not looked at again."""
    http.take_address(call, response.request.url)
    http.read(call, response)
    state = decode_state(response.content)
    call.body[WAITS] = state.status in OVER or (state.status == "starting" and not call.body["stream"])


def settled(side: Side, client: Any, name: str, response: Any) -> None:
    """A prediction was looked at. The first time that it is over it is recorded."""
    state = decode_state(response.content)
    if state.status not in OVER or keepsake.recall(keepsake.metered(name)) is not None:
        return
    kept = keepsake.recall(name)
    if kept is None:
        return
    url = response.request.url
    facts = facts_of.at(facts_of.of(client, side.provider), url.host, url.port)
    at = moment(state.created_at.timestamp()) if state.created_at is not None else None
    beside.put(PREDICTIONS, response.content, facts, name, at or 0, kept)
    keepsake.keep(keepsake.Keepsake(keepsake.metered(name)))


def looked_at(side: Side, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any], response: Any) -> None:
    """Look at the answer to what is no call: a prediction, perhaps."""
    path = str(args[1] if len(args) > 1 else kwargs.get("path"))
    if (found := LOOKED_AT.search(path)) is not None:
        settled(side, client, found[1], response)
