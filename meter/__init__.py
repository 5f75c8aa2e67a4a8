"""Know what every LLM call costs, who caused it, what it was worth, and what it will cost when providers reprice.

The names below are loaded when first used, so that a service pays only for what it touches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meter import risk
    from meter.attribution import carry, tags
    from meter.errors import BudgetExceeded, MeterError
    from meter.instrument import install, uninstall
    from meter.ledger import connect
    from meter.recorder import outcome, record

__all__ = [
    "BudgetExceeded",
    "MeterError",
    "carry",
    "connect",
    "install",
    "outcome",
    "record",
    "risk",
    "tags",
    "uninstall",
]

_HOME_OF = {
    "BudgetExceeded": "meter.errors",
    "MeterError": "meter.errors",
    "carry": "meter.attribution",
    "connect": "meter.ledger",
    "install": "meter.instrument",
    "outcome": "meter.recorder",
    "record": "meter.recorder",
    "tags": "meter.attribution",
    "uninstall": "meter.instrument",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "risk":
        return import_module("meter.risk")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'meter' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
