"""The SDKs: one file of data each, named after the package at the top of what is imported. This folder is their registry.

An SDK's file defines `PROVIDER` (`model.Provider`): the modules where its calls pass, the wires spoken there, and which module of
`meter.instrument` knows how to wrap them. It is read when a service imports the SDK, not before. To add one: its file here, its
wire in `meter.providers` if it is a new one, and its calls in `meter/doctor/trials`, which are tests as well.
"""

from __future__ import annotations

import functools
from importlib import import_module
from pkgutil import iter_modules

from meter.providers.model import Provider


@functools.cache
def names() -> frozenset[str]:
    """Return the packages that have a file here."""
    return frozenset(found.name for found in iter_modules(__path__))


@functools.cache
def get(name: str) -> Provider:
    """Return the SDK of a package."""
    found: Provider = import_module(f"{__name__}.{name}").PROVIDER
    return found


def load() -> tuple[Provider, ...]:
    """Return every SDK, by name of its file."""
    return tuple(map(get, sorted(names())))
