"""What a caller holds when a call returns, bare and metered: the same kind of thing, with the same attributes, as lazy as it was.

The calls are those of the self-test, of every SDK that is installed; their streams are looked at before, while and after they
are read.
"""

from __future__ import annotations

import collections.abc
import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from meter import guard, instrument
from meter.doctor.trials import Trial
from meter.home import Home
from meter.simulator import Simulator
from tests.bench import patches
from tests.instrument.vendors.test_trials import STREAMS, TRIALS, run, shown

pytestmark = pytest.mark.filterwarnings("ignore")

Seen = dict[str, Any]

KINDS: tuple[Callable[[Any], bool], ...] = (
    inspect.isgenerator,
    inspect.isasyncgen,
    inspect.iscoroutine,
    inspect.isawaitable,
    callable,
)
ABSTRACT = (
    "Awaitable",
    "Iterable",
    "Iterator",
    "Generator",
    "AsyncIterable",
    "AsyncIterator",
    "AsyncGenerator",
    "Mapping",
)
METHODS = ("__enter__", "__exit__", "__aenter__", "__aexit__", "__len__", "__getitem__", "__call__", "__await__")


def ids(trial: Trial) -> str:
    return f"{trial.sdk}: {trial.name}"


def kind(thing: Any) -> Seen:
    """Return what a thing is, as far as a caller can ask."""
    cls = thing.__class__  # what `isinstance` goes by, as for a mock
    return {
        "class": f"{cls.__module__}.{cls.__qualname__}",
        "kinds": [test.__name__ for test in KINDS if test(thing)],
        "abstract": [name for name in ABSTRACT if isinstance(thing, getattr(collections.abc, name))],
        "methods": [name for name in METHODS if hasattr(type(thing), name)],
        "attributes": sorted(name for name in dir(thing) if not name.startswith("_")),
    }


class Reader:
    """Reads streams in the place of the trials' own functions, and notes what it sees on the way."""

    def __init__(self, sim: Simulator) -> None:
        self.sim, self.asked, self.seen = sim, len(sim.requests), Seen()

    def note(self, when: str, **more: Any) -> None:
        self.seen[when] = {"requests": len(self.sim.requests) - self.asked, **more}

    def read(self, stream: Any) -> list[Any]:
        self.note("returned", **kind(stream))
        events = iter(stream)
        self.note("iterated", itself=events is stream, **kind(events))
        first = next(events)
        self.note("first", event=shown(first), **kind(first))
        found = [first, *events]
        self.note("over", again=next(events, "nothing"), count=len(found))
        if hasattr(stream, "close"):
            self.note("closed", returned=(stream.close(), stream.close()))
        return found

    async def read_async(self, stream: Any) -> list[Any]:
        self.note("returned", **kind(stream))
        events = stream.__aiter__()
        self.note("iterated", itself=events is stream, **kind(events))
        first = await events.__anext__()
        self.note("first", event=shown(first), **kind(first))
        found = [first, *[event async for event in events]]
        self.note("over", again=[event async for event in events], count=len(found))
        if hasattr(stream, "aclose"):
            self.note("closed", returned=(await stream.aclose(), await stream.aclose()))
        return found


def seen(trial: Trial, sim: Simulator, patch: pytest.MonkeyPatch) -> Seen:
    reader, module = Reader(sim), import_module(trial.call.__module__)
    patch.setattr(module, "read", reader.read, raising=False)
    patch.setattr(module, "read_async", reader.read_async, raising=False)
    answer = run(trial, sim.url)
    return {**reader.seen, "answer": shown(answer), **kind(answer)}


@pytest.mark.parametrize("trial", TRIALS, ids=ids)
def test_what_a_call_returns_is_of_the_same_kind(
    trial: Trial, home: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = seen(trial, sim, monkeypatch)
    instrument.install()
    try:
        metered = seen(trial, sim, monkeypatch)
    finally:
        instrument.uninstall()
    assert metered == bare
    assert ("returned" in bare) == (trial in STREAMS)
    assert {step for step in guard.failures if not step.startswith("unmetered")} == set()


REPLACED = ("wait_for_socket",)
"""Functions that their own package replaces at the first need, here urllib3."""


@pytest.mark.parametrize("sdk", sorted({trial.sdk for trial in TRIALS}))
def test_uninstall_leaves_every_attribute_of_the_sdk_as_it_was(sdk: str, home: Home, sim: Simulator) -> None:
    owners = {*patches.OWNERS, sdk.partition(".")[0]}
    trials = [trial for trial in TRIALS if trial.sdk == sdk][:2]
    for trial in trials:
        run(trial, sim.url)
    before = patches.attributes(owners)
    instrument.install()
    try:
        during, _ = patches.changes(before, patches.attributes(owners))
        for trial in trials:
            run(trial, sim.url)
    finally:
        instrument.uninstall()
    assert during
    forth, _ = patches.changes(before, patches.attributes(owners))
    assert [(owner, name) for owner, name, _ in forth if name not in REPLACED] == []
