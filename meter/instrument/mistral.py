"""Mistral's SDK is made by Speakeasy, but for connections that stay open: those show each event to `_apply_session_updates`."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from meter import guard
from meter.instrument import sockets, speakeasy
from meter.instrument.flow import Bare
from meter.instrument.patches import Patch
from meter.providers.mistral import SOCKETS
from meter.providers.model import Provider
from meter.providers.progress import text
from meter.providers.reading import look, plain

NEEDS = ("ev",)


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    part = replace(provider, part="realtime")
    wrapping = functools.partial(wrap, provider.name)
    return [
        *speakeasy.patches(provider),
        *(
            Patch(part, module, f"{kind}._apply_session_updates", wrapping, NEEDS)
            for module, kinds in provider.sockets.items()
            for kind in kinds
        ),
    ]


def wrap(provider: str, bare: Bare) -> Bare:
    """Wrap `_apply_session_updates`."""

    @functools.wraps(bare)
    def _apply_session_updates(self: Any, ev: Any) -> Any:
        usage = getattr(ev, "usage", None)
        if usage is not None:
            with guard.shield("socket.event"):
                dialect = SOCKETS.get(look(ev, "type") or look(ev, "TYPE"))  # as its first version called it
                if dialect is not None:
                    model = text(look(ev, "model")) or text(self.session.model)
                    sockets.put(dialect, provider, plain(usage), None, model)
        return bare(self, ev)

    return _apply_session_updates
