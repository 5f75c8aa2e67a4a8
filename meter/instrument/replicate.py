"""Replicate's SDK: every request passes `Client._request`. A prediction that is not over with the reply is recorded when it is
looked at and is over, once, with the tags of whoever asked for it; one that was asked for elsewhere is none of ours.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from meter import guard, keepsake
from meter.instrument import beside, flow, http
from meter.instrument import facts as facts_of
from meter.instrument.flow import Bare
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
    side = Side(provider)
    return [
        Patch(provider, module, f"Client.{name}", functools.partial(wrap, side), NEEDS)
        for module in provider.modules
        for name, wrap in (("_request", wrap_request), ("_async_request", wrap_async_request))
    ]


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


def _looked_at(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    path = str(args[1] if len(args) > 1 else kwargs.get("path"))
    found = LOOKED_AT.search(path)
    return None if found is None else found[1]


def wrap_request(side: Side, bare: Bare) -> Bare:
    """Wrap `_request`."""
    once = flow.once(start, read)(side, bare)

    @functools.wraps(bare)
    def _request(self: Any, *args: Any, **kwargs: Any) -> Any:
        name = _looked_at(args, kwargs)
        if name is None:
            return once(self, *args, **kwargs)
        response = bare(self, *args, **kwargs)
        with guard.shield("beside.read"):
            settled(side, self, name, response)
        return response

    return _request


def wrap_async_request(side: Side, bare: Bare) -> Bare:
    """Wrap an asynchronous `_async_request`."""
    once = flow.once_async(start, read)(side, bare)

    @functools.wraps(bare)
    async def _async_request(self: Any, *args: Any, **kwargs: Any) -> Any:
        name = _looked_at(args, kwargs)
        if name is None:
            return await once(self, *args, **kwargs)
        response = await bare(self, *args, **kwargs)
        with guard.shield("beside.read"):
            settled(side, self, name, response)
        return response

    return _async_request
