"""OpenAI's connections that stay open (Realtime, Responses over a WebSocket): each message of the server passes `parse_event`."""

from __future__ import annotations

import functools
from typing import Any
from weakref import WeakKeyDictionary

from meter import guard, recorder
from meter.instrument.facts import Facts
from meter.instrument.flow import Bare
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.providers import realtime
from meter.providers.model import Dialect, Provider
from meter.providers.realtime import Event, Session

NEEDS = ("data",)
MAX_SEEN = 1000


class Spoken:
    """What is known of one connection."""

    def __init__(self) -> None:
        self.session = Session()
        self.seen: dict[str, None] = {}
        """Responses that have been told of: a caller may parse a message twice."""

    def is_new(self, name: str | None) -> bool:
        """Say whether a response has not been told of; remember it."""
        if name is None or name in self.seen:
            return False
        self.seen[name] = None
        if len(self.seen) > MAX_SEEN:
            del self.seen[next(iter(self.seen))]
        return True


_spoken: WeakKeyDictionary[Any, Spoken] = WeakKeyDictionary()


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    wrapping = functools.partial(wrap, provider.name)
    return [
        Patch(provider, module, f"{kind}.parse_event", wrapping, NEEDS, is_optional=True)
        for module, kinds in provider.sockets.items()
        for kind in kinds
    ]


def wrap(provider: str, bare: Bare) -> Bare:
    """Wrap `parse_event`."""

    @functools.wraps(bare)
    def parse_event(self: Any, data: Any, *args: Any, **kwargs: Any) -> Any:
        with guard.shield("socket.event"):
            head = data[:4096] if isinstance(data, str) else bytes(data[:4096]).decode("utf-8", "replace")
            if any(word in head for word in realtime.TELLING):
                take(self, provider, realtime.decode(data))
        return bare(self, data, *args, **kwargs)

    return parse_event


def take(connection: Any, provider: str, event: Event) -> None:
    """Note what was agreed on, or record a response that has ended."""
    known = _spoken.get(connection)
    if known is None:
        known = _spoken[connection] = Spoken()
    if event.session is not None:
        known.session = event.session
        return
    dialect = realtime.DIALECTS.get(event.type or "")
    reply = event.response
    if dialect is None:
        return
    usage = event.usage if reply is None else reply.usage
    name = event.item_id if reply is None else reply.id
    if bytes(usage) == b"null" or not known.is_new(name):
        return
    model = (reply.model or known.session.model) if reply is not None else known.session.transcriber
    put(dialect, provider, usage, name, model)


def put(dialect: Dialect, provider: str, usage: Any, name: str | None, model: str | None) -> None:
    """Record what a message says of a response that has ended."""
    call = LiveCall(dialect, recorder.start(), Facts(provider, None, provider), None)
    call.timed, call.passes, call.complete = False, 1, True
    call.record.raw, call.record.response_id = usage, name
    call.record.request_model = call.record.response_model = model
    call.end("ok")
