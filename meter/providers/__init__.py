"""The providers: one file of data each. This folder is their registry.

A provider's file defines `PROVIDER` (`model.Provider`): the modules where its SDK's calls pass, and the wires (`model.Dialect`)
spoken there. A wire that several vendors speak has a module of its own (`chat`, `responses`, `messages`); `reading` and
`progress` are the engine that reads them all. To add a provider: its file here, and samples of its usage with the classes they
become in `tests/providers/samples/<name>.json`.
"""

from __future__ import annotations

import functools
from importlib import import_module
from pkgutil import iter_modules

from meter.providers.model import Provider


@functools.cache
def load() -> tuple[Provider, ...]:
    """Return every provider in this folder, by name of its file."""
    modules = (import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))
    return tuple(module.PROVIDER for module in modules if hasattr(module, "PROVIDER"))
