"""The calls of the self-test: for each SDK a file with its usual ways of calling, and the usage the simulator states for each.

A trial runs in a process of its own (`python -m meter.doctor.trials openai http://127.0.0.1:8080`), metered as a service is. The
tests run the same calls. To add an SDK: a file here with `TRIALS`.
"""

from __future__ import annotations

import functools
from importlib import import_module
from pkgutil import iter_modules

from meter.doctor.trials.trial import MISSING, Trial

__all__ = ["MISSING", "Trial", "load"]


@functools.cache
def load() -> tuple[Trial, ...]:
    """Return every trial, by name of its file."""
    names = (found.name for found in iter_modules(__path__) if found.name != "__main__")
    return tuple(trial for name in names for trial in getattr(import_module(f"{__name__}.{name}"), "TRIALS", ()))
