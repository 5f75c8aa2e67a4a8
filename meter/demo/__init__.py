"""`meter demo` as a library: see all of Meter work, without a key and without touching the user's own ledger.

    result = run_demo(home, progress=lambda stage, done, total: …)

A fleet of real processes calls the simulator through the real SDKs; thirteen months of synthetic history lie behind it.
Names are loaded when first used: the fleet's processes are services, and must not load the read side.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meter.demo.fleet import FLEET, Member, Step
    from meter.demo.run import STAGES, DemoResult, Progress, next_steps, run_demo

__all__ = ["FLEET", "STAGES", "DemoResult", "Member", "Progress", "Step", "next_steps", "run_demo"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'meter.demo' has no attribute {name!r}")
    place = "fleet" if name in ("FLEET", "Member", "Step") else "run"
    return getattr(import_module(f"meter.demo.{place}"), name)
