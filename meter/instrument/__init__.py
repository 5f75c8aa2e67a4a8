"""Switching metering on and off. No SDK is imported because of it, it starts no thread and opens no connection."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from types import ModuleType
from typing import Any

from meter import guard, recorder, settings
from meter.instrument import plain, presence
from meter.instrument.patches import HookState, Patch
from meter.providers import hosts, load, servers
from meter.providers.transports import TRANSPORTS

__all__ = ["HookState", "hooks", "install", "uninstall"]

UNUSED = ("waiting", "absent")

_lock = threading.Lock()
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
        known = _known()
        for module in dict.fromkeys(patch.module for patch in known.values()):
            _watch(module)


def forget_servers() -> None:
    """Read `[servers]` anew when the next address is looked up."""
    servers.configured.cache_clear()
    hosts.find.cache_clear()
    hosts.may_be_known.cache_clear()
    plain.forget()


def uninstall() -> None:
    """Put every original back. Streams that are under way are metered to their end."""
    global _installed
    with _lock:
        _installed = False
        for patch in _patches.values():
            patch.restore()


def hooks() -> dict[str, HookState]:
    """Return how each hook stands, by its target."""
    return presence.judged(_known())


def process_facts() -> tuple[dict[str, str], dict[str, str]]:
    """Return the versions of the SDKs that are imported, and the state of their hooks, as text."""
    states = [state for state in hooks().values() if state.state not in UNUSED]
    versions = {state.sdk: state.version or "unknown" for state in states}
    return versions, {state.target: str(state) for state in states}


def _known() -> dict[str, Patch]:
    if not _patches:
        for provider in (*load(), *TRANSPORTS):
            family = import_module(f"meter.instrument.{provider.family}")
            for patch in family.patches(provider):
                _patches[patch.target] = patch
    return _patches


def _watch(module: str) -> None:
    if module in _watched:
        _patch_if_imported(module)
        return
    from wrapt import register_post_import_hook  # here: it is slow to import where no SDK is

    _watched.add(module)
    register_post_import_hook(_imported, module)
    if _again not in sys.meta_path:
        sys.meta_path.insert(0, _again)  # before wrapt's


def _patch_if_imported(name: str) -> None:
    module = sys.modules.get(name)
    if module is not None:
        _imported(module)


def _imported(module: ModuleType) -> None:
    """Patch a module that has been imported. Nothing that goes wrong here may come out of the user's import."""
    with guard.shield("hook"):
        _imported_once.add(module.__name__)
        if _installed:
            for patch in _patches.values():
                if patch.module == module.__name__:
                    patch.apply(module)


class _Again:
    """Sees a module that is imported anew, after someone took it out of `sys.modules`: a hook of wrapt's fires only once."""

    def find_spec(self, name: str, *_: Any) -> None:
        """Find nothing, as always; make ready for what another finder will find."""
        if name in _imported_once and name not in sys.modules:
            _imported_once.discard(name)
            with guard.shield("hook"):
                from wrapt import register_post_import_hook

                register_post_import_hook(_imported, name)


_again = _Again()
