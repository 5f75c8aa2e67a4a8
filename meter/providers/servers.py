"""`[servers]` of meter.toml: the provider behind an address of one's own. Read once, when the first address is looked up."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from meter import guard, home, settings
from meter.errors import MeterError
from meter.names import provider_for


@functools.cache
def configured() -> Mapping[str, str]:
    """Return the provider behind each address (`host` or `host:port`, in small letters). A file that is broken names none."""
    try:
        path = home.find().config
        section = settings.load_toml(path).get("servers", {}) if path.is_file() else {}
        return {address.lower(): provider_for(name) for address, name in section.items() if isinstance(name, str)}
    except (MeterError, OSError, AttributeError):
        guard.fail("servers")
        return {}


def has(host: str) -> bool:
    """Say whether the user named an address with this name, whatever its port."""
    return any(address == host or address.startswith(f"{host}:") for address in configured())


def behind(host: str, port: int | None) -> str | None:
    """Return the provider that the user named for an address; with its port it says more than without."""
    named = configured()
    return (named.get(f"{host}:{port}") if port else None) or named.get(host)
