"""Whether modules that nobody has imported are there at all: an SDK that has moved its choke point must not look unused."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from importlib.machinery import ModuleSpec
from typing import Any

from meter.instrument.patches import HookState, Patch, is_installed

Group = tuple[str, str, str]


def judged(patches: Mapping[str, Patch]) -> dict[str, HookState]:
    """Return how each hook stands, by its target.

    The modules of one SDK, or of one part of it, that lie in one distribution are alternatives, of which its versions have
    different ones: where one is there, the others are absent; where none is, although the SDK is imported, all are missing.
    """
    groups: dict[Group, set[str]] = defaultdict(set)
    for patch in patches.values():
        groups[_group(patch)].add(patch.module)
    present = {module: _is_present(module) for group in groups if _in_use(group) for module in groups[group]}
    states = {}
    for target, patch in patches.items():
        state = patch.state()
        if state.state == "waiting" and not present.get(patch.module, True):
            none_there = not any(present[module] for module in groups[_group(patch)])
            is_theirs = not patch.of or is_installed(patch.of)
            missing = none_there and is_theirs and not predates(state.version, patch.provider.since)
            state = replace(state, state="missing" if missing else "absent", detail=f"there is no {patch.module}")
        states[target] = state
    return states


def predates(version: str | None, since: str) -> bool:
    """Say whether a version is older than another, as far as numbers tell."""
    return bool(version and since) and numbers(version or "") < numbers(since)


def numbers(version: str) -> tuple[int, ...]:
    """Return a version's leading numbers: 3.54.0rc1 is (3, 54, 0)."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _group(patch: Patch) -> Group:
    return patch.provider.package, patch.module.partition(".")[0], patch.provider.part


def _in_use(group: Group) -> bool:
    return all(name in sys.modules for name in group[:2])


def _is_present(module: str) -> bool:
    """Say whether a module could be imported. Nothing is imported: to look for `a.b.c` the usual way imports `a.b`."""
    parts = module.split(".")
    path: Any = None
    try:
        for name in (".".join(parts[: end + 1]) for end in range(len(parts))):
            if (there := sys.modules.get(name)) is not None:
                path = getattr(there, "__path__", ())
            elif (spec := _spec(name, path)) is not None:
                path = spec.submodule_search_locations or ()
            else:
                return False
    except (ImportError, ValueError):
        return False
    return True


def _spec(name: str, path: Any) -> ModuleSpec | None:
    finders = (finder for finder in sys.meta_path if type(finder).__module__.partition(".")[0] not in WATCHERS)
    specs = (finder.find_spec(name, path) for finder in finders if hasattr(finder, "find_spec"))
    return next((spec for spec in specs if spec is not None), None)


WATCHERS = ("meter", "wrapt")
"""Whose finders only see what is imported."""
