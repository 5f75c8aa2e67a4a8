"""The one place that decides what happens when metering itself fails: never break the caller, never be silent.

`failures` counts by step; the spool's state file carries it out of the process, `meter doctor` and a metric show it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from meter.errors import BudgetExceeded

log = logging.getLogger("meter")

failures: Counter[str] = Counter()
"""How often each step of metering failed in this process."""

_LOUD = 3  # a broken step fails on each call: warn on the first few, then once per thousand


def fail(step: str) -> None:
    """Count and log the exception being handled; the model call is unaffected."""
    if (count := _count(step)) is not None:
        message = "metering step %s failed (%d so far); the model call is unaffected"
        tell(log, logging.WARNING, message, step, count, exc_info=True)


@contextmanager
def shield(step: str) -> Iterator[None]:
    """Metering never breaks the call it measures: count the failure, log it, carry on."""
    try:
        yield
    except BudgetExceeded:
        raise
    except Exception:
        fail(step)


def note(step: str) -> None:
    """Count a fault that raised nothing."""
    if (count := _count(step)) is not None:
        tell(log, logging.WARNING, "metering: %s (%d so far); the model call is unaffected", step, count)


def tell(logger: logging.Logger, level: int, message: str, *values: object, exc_info: bool = False) -> None:
    """Log. What a filter or a handler of the service raises stays here, too."""
    try:
        logger.log(level, message, *values, exc_info=exc_info)
    except Exception:
        failures["log"] += 1


def _count(step: str) -> int | None:
    """Count a failure; return the count if it is to be told."""
    failures[step] += 1
    count = failures[step]
    return count if count <= _LOUD or count % 1000 == 0 else None
