"""One patched attribute: put in place when its module is there, taken out without a trace, and able to say how it stands."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from meter import guard, recorder
from meter.providers.model import Provider

State = Literal["waiting", "absent", "patched", "missing", "changed", "failed", "replaced", "bare"]
Wrapping = Callable[[Callable[..., Any]], Callable[..., Any]]

MEANINGS: dict[State, str] = {
    "waiting": "the SDK has not been imported",
    "absent": "this version of the SDK has another in its place",
    "patched": "calls are metered",
    "missing": "this version of the SDK has no such module or attribute",
    "changed": "the attribute is not what Meter knows how to wrap",
    "failed": "wrapping it failed",
    "replaced": "something else has taken the place of what was wrapped",
    "bare": "the original is in place",
}


BROKEN: tuple[State, ...] = ("missing", "changed", "failed", "replaced")
"""States of a hook behind which calls may go unmetered."""


@dataclass(frozen=True)
class HookState:
    """How one hook stands, for `meter doctor` and a segment's first line."""

    sdk: str
    target: str
    state: State
    detail: str = ""
    version: str | None = None
    """Of the SDK, when it is imported."""
    tested: tuple[str, str] = ("", "")

    def __str__(self) -> str:
        return f"{self.state}: {self.detail}" if self.detail else self.state

    @property
    def broken(self) -> bool:
        """Calls that pass here may go unmetered."""
        return self.state in BROKEN


class Patch:
    """An attribute of a class in an SDK's module, and what it is wrapped in."""

    without: State = "missing"
    """What it means that a version of the SDK has no such attribute."""

    def __init__(
        self,
        provider: Provider,
        module: str,
        name: str,
        wrap: Wrapping,
        needs: tuple[str, ...] = (),
        *,
        is_optional: bool = False,
        of: str = "",
    ) -> None:
        self.provider, self.module, self.name = provider, module, name
        self._is_optional = is_optional
        self.of = of
        """The distribution that the module is of, where a package of the user's may have its name."""
        self._wrap, self._needs = wrap, needs
        self._owner: type[Any] | None = None
        self._bare: Any = None
        self._own = True
        self._wrapped: Any = None
        self._state: State = "waiting"
        self._detail = ""

    @property
    def target(self) -> str:
        """Where it is, as `module:Class.attribute`."""
        return f"{self.module}:{self.name}"

    def apply(self, module: ModuleType) -> None:
        """Wrap the attribute. Does nothing if it is wrapped already; whatever goes wrong is a state."""
        try:
            self._apply(module)
        except Exception as error:  # noqa: BLE001 - an exception here would come out of the user's import
            self._state, self._detail = "failed", f"{type(error).__name__}: {error}"
            guard.fail(f"hook.{self.target}")

    def _apply(self, module: ModuleType) -> None:
        kind, _, attribute = self.name.rpartition(".")
        owner = getattr(module, kind, None)
        bare = self._found(owner, attribute)
        if owner is None and self._is_optional:
            self._set("absent", "this version has no such class")
            return
        if owner is None or bare is None:
            self._set(self.without, f"{self.provider.package} {version(self.provider.package)} has none")
            return
        if owner is self._owner and owner.__dict__.get(attribute) is self._wrapped:
            return
        if not callable(bare) or not self._needs_met(bare):
            self._set("changed", f"{self.provider.package} {version(self.provider.package)}: other arguments")
            return
        self._own = attribute in owner.__dict__
        self._owner, self._bare = owner, owner.__dict__.get(attribute, bare)
        self._wrapped = self._wrap(self._bare)
        setattr(owner, attribute, self._wrapped)
        self._set("patched")

    def _found(self, owner: Any, attribute: str) -> Any:
        """Return what is to be wrapped, None where there is none."""
        return getattr(owner, attribute, None)

    def restore(self) -> None:
        """Put the original back, unless someone has wrapped ours meanwhile: then taking ours out would take theirs along."""
        attribute = self.name.rpartition(".")[2]
        if self._owner is not None and self._owner.__dict__.get(attribute) is self._wrapped:
            if self._own:
                setattr(self._owner, attribute, self._bare)
            else:
                delattr(self._owner, attribute)
            self._owner = self._bare = self._wrapped = None
        if self._owner is not None:
            self._set("patched", "wrapped by another")
        elif self._state != "waiting":
            self._set("bare")

    def state(self) -> HookState:
        """Say how the hook stands."""
        package = self.provider.package
        state, detail = self._state, self._detail
        if state == "patched" and (lost := self._lost()):
            state, detail = "replaced", lost
        return HookState(
            package, self.target, state, detail, version(package, self.provider.distribution), self.provider.tested
        )

    def _lost(self) -> str:
        """Say what became of the wrapped attribute if calls no longer pass it; who wraps ours passes them on."""
        kind, _, attribute = self.name.rpartition(".")
        module = sys.modules.get(self.module)
        owner = getattr(module, kind, None)
        if owner is not self._owner:
            return "the SDK was imported again" if module is not None else ""
        return "the original was put back" if owner.__dict__.get(attribute, self._bare) is self._bare else ""

    def _set(self, state: State, detail: str = "") -> None:
        self._state, self._detail = state, detail
        if state in ("missing", "changed"):
            guard.failures[f"hook.{self.target}"] += 1
            recorder.publish()  # there may be no record that takes it along
            guard.log.warning("%s: %s; calls may go unmetered (see: meter doctor)", self.target, MEANINGS[state])

    def _needs_met(self, bare: Callable[..., Any]) -> bool:
        return set(self._needs) <= set(inspect.signature(bare).parameters)


@functools.cache
def is_installed(distribution: str) -> bool:
    """Say whether a distribution is installed: a package's name alone may be anybody's."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import distribution as find

    try:
        find(distribution)
    except PackageNotFoundError:
        return False
    return True


def version(package: str, distribution: str = "") -> str | None:
    """Return the version of an SDK that is imported; asks the package itself, since metadata costs 20 ms."""
    module = sys.modules.get(package)
    if module is None:
        return None
    if isinstance(found := getattr(module, "__version__", None), str):
        return found
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as of_distribution

    try:
        return of_distribution(distribution or package)
    except PackageNotFoundError:
        return None
