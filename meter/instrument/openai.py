"""OpenAI's SDK is made by Stainless; its connections that stay open, and those of its agents, are places of their own."""

from __future__ import annotations

from meter.instrument import agents, sockets, stainless
from meter.instrument.patches import Patch
from meter.providers.model import Provider


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK, and in what comes with it."""
    return [*sockets.patches(provider), *agents.patches(provider), *stainless.patches(provider)]
