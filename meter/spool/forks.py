"""Forks: nobody is half-way through a rotation when the process forks, and a child starts without its parent's segment."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """What wants to know of forks."""

    def before_fork(self) -> None:
        """Come to rest; runs in the forking thread."""

    def after_fork_in_parent(self) -> None:
        """Carry on."""

    def after_fork_in_child(self) -> None:
        """Leave to the parent what is the parent's."""


_watched: set[weakref.ref[Forked]] = set()


def watch(one: Forked) -> None:
    """Tell `one` of every fork for as long as it lives."""
    _watched.add(weakref.ref(one, _watched.discard))


def _living() -> list[Forked]:
    return [one for reference in list(_watched) if (one := reference()) is not None]


def _before() -> None:
    for one in _living():
        one.before_fork()


def _in_parent() -> None:
    for one in _living():
        one.after_fork_in_parent()


def _in_child() -> None:
    for one in _living():
        one.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
