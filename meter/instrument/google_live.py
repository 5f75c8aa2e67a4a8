"""google-genai's Live sessions: each message of the server passes `AsyncSession._receive`, and usage comes with each turn.

Only `AsyncLive.connect` knows the model.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from meter import guard, recorder
from meter.instrument import facts as facts_of
from meter.instrument.flow import Bare
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.providers.gemini import LIVE
from meter.providers.model import Provider
from meter.providers.progress import text

MODULE = "google.genai.live"

_models: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    part = replace(provider, part="live", modules=(MODULE,), dialects=(LIVE,))
    return [
        Patch(part, MODULE, "AsyncSession._receive", functools.partial(wrap_receive, part)),
        Patch(part, MODULE, "AsyncLive.connect", wrap_connect, ("model",)),
    ]


def wrap_connect(bare: Bare) -> Bare:
    """Wrap `connect`: remember which model a session talks to."""

    @asynccontextmanager
    async def connect(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        async with bare(self, *args, **kwargs) as session:
            with guard.shield("socket.open"):
                _models[session] = (text(kwargs.get("model")) or "").removeprefix("models/")
            yield session

    return functools.wraps(bare)(connect)


def wrap_receive(provider: Provider, bare: Bare) -> Bare:
    """Wrap `_receive`."""

    @functools.wraps(bare)
    async def _receive(self: Any, *args: Any, **kwargs: Any) -> Any:
        message = await bare(self, *args, **kwargs)
        usage = getattr(message, "usage_metadata", None)
        if usage is not None:
            with guard.shield("socket.event"):
                take(provider, self, usage)
        return message

    return _receive


def take(provider: Provider, session: Any, usage: Any) -> None:
    """Record a turn."""
    call = LiveCall(LIVE, recorder.start(), facts_of.of(session._api_client, provider), None)
    call.timed, call.passes, call.complete = False, 1, True
    call.record.raw = usage.model_dump(by_alias=True, exclude_none=True, mode="json")
    call.record.request_model = call.record.response_model = _models.get(session) or None
    call.end("ok")
