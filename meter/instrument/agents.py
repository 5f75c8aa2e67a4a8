"""openai-agents opens sockets of its own, past OpenAI's SDK: for Responses, with the SDK's client, and for Realtime."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import msgspec

from meter import guard
from meter.instrument import flow, sockets
from meter.instrument.flow import AsyncLazyTap, Bare
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers import realtime
from meter.providers.model import Provider
from meter.providers.responses import RESPONSES
from meter.providers.watching import watcher_of

RESPONSES_MODULE = "agents.models.openai_responses"
REALTIME_MODULE = "agents.realtime.openai_realtime"
DISTRIBUTION = "openai-agents"

AGREED = ("session.created", "session.updated")


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched. Its first versions have no sockets."""
    events = functools.partial(wrap_events, Side(provider))
    event = functools.partial(wrap_event, provider.name)
    return [
        Patch(
            replace(provider, part=module),
            module,
            name,
            wrap,
            needs,
            is_optional=True,
            of=DISTRIBUTION,
        )
        for module, name, wrap, needs in (
            (RESPONSES_MODULE, "OpenAIResponsesWSModel._iter_websocket_response_events", events, ("create_kwargs",)),
            (REALTIME_MODULE, "OpenAIRealtimeWebSocketModel._handle_ws_event", event, ("event",)),
        )
    ]


def start(side: Side, client: Any, args: tuple[Any, ...], _: dict[str, Any]) -> LiveCall | None:
    """Begin a call from what would have been sent to `responses.create`."""
    return flow.begin(side, client, RESPONSES, args[0])


def wrap_events(side: Side, bare: Bare) -> Bare:
    """Wrap `_iter_websocket_response_events`, a generator that sends the request and yields what comes of it."""

    @functools.wraps(bare)
    def _iter_websocket_response_events(self: Any, create_kwargs: Any) -> Any:
        begin = functools.partial(flow.begun, start, side, self._client, (create_kwargs,), {})
        return AsyncLazyTap(bare(self, create_kwargs), begin, watcher_of(RESPONSES))

    return _iter_websocket_response_events


def wrap_event(provider: str, bare: Bare) -> Bare:
    """Wrap `_handle_ws_event`, which takes each message of Realtime's."""

    @functools.wraps(bare)
    async def _handle_ws_event(self: Any, event: Any) -> Any:
        with guard.shield("socket.event"):
            kind = event.get("type") if isinstance(event, dict) else None
            if kind in realtime.DIALECTS or kind in AGREED:
                sockets.take(self, provider, realtime.decode(msgspec.json.encode(event)))
        return await bare(self, event)

    return _handle_ws_event
