"""What a tool's installation changes in an SDK's modules and classes, so that the bench can switch it on and off between blocks.

Few tools can be uninstalled; comparing the SDK's attributes before and after works for all, Meter included.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from types import ModuleType
from typing import Any

OWNERS = ("openai", "anthropic", "botocore", "httpx", "httpx2", "requests", "aiohttp")
"""Packages whose attributes are compared: the SDKs, and the libraries that they send their requests with."""

ABSENT = object()

Owner = type | ModuleType
Attributes = dict[Owner, dict[str, Any]]
Patch = tuple[Owner, str, Any]


def attributes(owners: Collection[str] = OWNERS) -> Attributes:
    """Return every attribute of every module of these packages, and of the classes they define."""
    modules = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in owners]
    # Not isinstance: that asks a stand-in for a package, which may not be there, what it is.
    classes: set[type] = {
        value
        for module in modules
        for value in vars(module).values()
        if issubclass(type(value), type) and value.__module__.partition(".")[0] in owners
    }
    found: list[Owner] = [*modules, *classes]
    return {owner: dict(vars(owner)) for owner in found}


def changes(before: Attributes, after: Attributes) -> tuple[list[Patch], list[Patch]]:
    """Return what puts the state after in force, and what puts the state before back."""
    forth: list[Patch] = []
    back: list[Patch] = []
    for owner, old in before.items():
        new = after.get(owner, old)
        for name in sorted(old.keys() | new.keys()):
            was, now = old.get(name, ABSENT), new.get(name, ABSENT)
            if was is not now and is_code(now):
                forth.append((owner, name, now))
                back.append((owner, name, was))
    return forth, back


def is_code(value: Any) -> bool:
    """Tools replace functions; what an SDK fills in by itself (validators, modules imported late) is left alone."""
    return not isinstance(value, ModuleType) and (callable(value) or hasattr(type(value), "__get__"))


def apply(patches: list[Patch]) -> None:
    for owner, name, value in patches:
        if value is not ABSENT:
            setattr(owner, name, value)
        elif name in vars(owner):
            delattr(owner, name)
