"""Switching metering on and off. No SDK is imported because of it, it starts no thread and opens no connection."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from types import ModuleType
from typing import Any

from meter import guard, recorder, settings
from meter.instrument import presence
from meter.instrument.patches import HookState, Patch, is_installed
from meter.providers import hosts, sdks, servers

__all__ = ["HookState", "hooks", "install", "uninstall"]

UNUSED = ("waiting", "absent")

_lock = threading.RLock()
_made: dict[str, list[Patch]] = {}
_patches: dict[str, Patch] = {}
_watched: set[str] = set()
_imported_once: set[str] = set()
_installed = False


def install(**chosen: Any) -> None:
    """Meter every supported SDK in this process, imported before or after. Twice is the same as once.

    Settings given here win over the environment. Raises SettingInvalid for a name that does not exist and a bad value.
    """
    global _installed
    if chosen:
        settings.configure(**chosen)
    if settings.get().disabled:
        return
    forget_servers()
    recorder.process_facts = process_facts
    with _lock:
        _installed = True
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    for name in sdks.names() & sys.modules.keys():
        _meter(name)


def forget_servers() -> None:
    """Read `[servers]` anew when the next address is looked up."""
    servers.configured.cache_clear()
    hosts.find.cache_clear()
    hosts.may_be_known.cache_clear()
    if (plain := sys.modules.get("meter.instrument.plain")) is not None:
        plain.forget()


def uninstall() -> None:
    """Put every original back. Streams that are under way are metered to their end."""
    global _installed
    with _lock:
        _installed = False
        for patch in list(_patches.values()):
            patch.restore()


def hooks() -> dict[str, HookState]:
    """Return how each hook stands, by its target; also those of SDKs that nobody has imported."""
    for name in sdks.names():
        _patches_of(name)
    return presence.judged(_patches)


def modules_of(package: str) -> list[str]:
    """Return the modules where an SDK is patched, without those that may be somebody else's."""
    hooks()
    found = [patch for patch in _patches.values() if patch.provider.package == package]
    return list(dict.fromkeys(patch.module for patch in found if not patch.of or is_installed(patch.of)))


def process_facts() -> tuple[dict[str, str], dict[str, str]]:
    """Return the versions of the SDKs that are imported, and the state of their hooks, as text."""
    states = [state for state in presence.judged(_patches).values() if state.state not in UNUSED]
    versions = {state.sdk: state.version or "unknown" for state in states}
    return versions, {state.target: str(state) for state in states}


def _meter(name: str) -> None:
    """Wrap what is there of an SDK, and the rest when it is imported."""
    with guard.shield("hook"):
        for module in dict.fromkeys(patch.module for patch in _patches_of(name)):
            _watch(module)


def _patches_of(name: str) -> list[Patch]:
    """Return the hooks of an SDK, made once."""
    with _lock:
        if name not in _made:
            provider = sdks.get(name)
            family = import_module(f"meter.instrument.{provider.family}")
            _made[name] = family.patches(provider)
            _patches.update((patch.target, patch) for patch in _made[name])
        return _made[name]


def _watch(module: str) -> None:
    if module in _watched:
        _patch_if_imported(module)
        return
    from wrapt import register_post_import_hook  # here: it is slow to import where no SDK is

    _watched.add(module)
    register_post_import_hook(_imported, module)
    if sys.meta_path[0] is not _finder:  # wrapt has put its own before it
        sys.meta_path.remove(_finder)
        sys.meta_path.insert(0, _finder)


def _patch_if_imported(name: str) -> None:
    module = sys.modules.get(name)
    if module is not None:
        _imported(module)


def _imported(module: ModuleType) -> None:
    """Patch a module that has been imported. Nothing that goes wrong here may come out of the user's import."""
    with guard.shield("hook"):
        _imported_once.add(module.__name__)
        if _installed:
            for patch in list(_patches.values()):
                if patch.module == module.__name__:
                    patch.apply(module)


class _Finder:
    """Sees what is imported: an SDK for the first time, or anew, after someone took it out of `sys.modules`.

    It stands before wrapt's, whose hook fires only once. Nothing of an SDK's file is read before the SDK is imported.
    """

    def find_spec(self, name: str, *_: Any) -> None:
        """Find nothing, as always; make ready for what another finder will find."""
        if _installed and name in sdks.names():
            _meter(name)
        if name in _imported_once and name not in sys.modules:
            _imported_once.discard(name)
            with guard.shield("hook"):
                from wrapt import register_post_import_hook

                register_post_import_hook(_imported, name)


_finder = _Finder()
