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


_EXTRA_OF = {"connect": "agent"}
"""Names that need more than the base install."""


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "risk":
        return import_module("meter.risk")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'meter' has no attribute {name!r}")
    try:
        module = import_module(_HOME_OF[name])
    except ModuleNotFoundError as error:
        if name not in _EXTRA_OF or (error.name or "").startswith("meter"):
            raise
        return _missing(name, error)
    value = globals()[name] = getattr(module, name)
    return value


def _missing(name: str, error: ModuleNotFoundError) -> Any:
    """Return what stands for a function whose extra is not installed: it can be imported, and says so when called."""
    from meter.errors import ExtraMissing

    hint = f"run: pip install 'spendmeter[{_EXTRA_OF[name]}]'"
    message, cause = f"meter.{name} needs {error.name}, which is not installed", error.with_traceback(None)

    def missing(*_args: object, **_more: object) -> Any:
        raise ExtraMissing(message, hint=hint) from cause

    missing.__name__ = missing.__qualname__ = name
    missing.__doc__ = f"{message}; {hint}"
    return missing


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
