"""Every SDK that is installed, by the calls of the self-test: what is recorded, and that nobody notices.

In the development environment these are the SDKs of the first rank; `make test-all` runs them all, in environments of their own.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

import pytest

from meter import instrument
from meter.doctor.sdks import is_installed
from meter.doctor.trials import MISSING, Trial, load
from meter.home import Home
from meter.instrument.patches import Patch
from meter.simulator import Simulator
from tests.instrument.vendors.reading import calls, classes, reread, settled

pytestmark = pytest.mark.filterwarnings("ignore")

ONLY = os.environ.get("METER_TEST_SDK")
TRIALS = [trial for trial in load() if trial.sdk == ONLY or (not ONLY and is_installed(trial.sdk))]
STREAMS = [trial for trial in TRIALS if "streamed" in trial.name]

every = pytest.mark.parametrize("trial", TRIALS, ids=[f"{trial.sdk}: {trial.name}" for trial in TRIALS])
streams = pytest.mark.parametrize("trial", STREAMS, ids=[f"{trial.sdk}: {trial.name}" for trial in STREAMS])


def run(trial: Trial, url: str) -> Any:
    try:
        return trial.run(url)
    except NotImplementedError as error:
        if str(error) == MISSING:
            pytest.skip(MISSING)
        raise


def shown(thing: Any) -> str:
    """Return all that a caller can see of what a call returned, without what differs from one to the next."""
    if isinstance(thing, list):
        return "\n".join(map(shown, thing))
    body = thing.model_dump_json() if hasattr(thing, "model_dump_json") else repr(thing)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b([a-z]+[-_])*[0-9a-f]{20,}\b", "#", body)
    text = re.sub(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "#", text)
    text = re.sub(r"(?i)((?:created|completed|updated)\w*|date|timestamp)('|\")?[=:] ?[^,})]+", r"\1 #", text)
    text = re.sub(r"0x[0-9a-f]+|127\.0\.0\.1:\d+", "#", text)
    return f"{type(thing).__module__}.{type(thing).__qualname__} {text}"


@every
def test_a_call_is_one_record_with_the_usage_that_was_stated(trial: Trial, metered: Home, sim: Simulator) -> None:
    run(trial, sim.url)
    line = settled(metered)
    assert trial.is_right(classes(line)), {
        name: line.get(name) for name in ("status", "error", "chunks", "source", "raw", "tags")
    }
    assert (line["status"], line["source"]) == ("ok", "reported")
    assert bool(line.get("stream")) == ("streamed" in trial.name)
    assert reread(line) in (None, line["usage"])


@every
def test_nobody_sees_that_a_call_is_metered(trial: Trial, home: Home, sim: Simulator) -> None:
    bare = shown(run(trial, sim.url))
    instrument.install()
    try:
        assert shown(run(trial, sim.url)) == bare
    finally:
        instrument.uninstall()
    settled(home)


@every
@pytest.mark.parametrize("fault", ["not-found", "cut-mid-body"])
def test_what_goes_wrong_goes_wrong_alike(trial: Trial, fault: str, home: Home, sim: Simulator) -> None:
    sim.fault = fault
    bare = raised(trial, sim.url)
    asked = len(sim.requests)
    instrument.install()
    try:
        assert raised(trial, sim.url) == bare
    finally:
        instrument.uninstall()
    assert len(sim.requests) == 2 * asked
    line = settled(home)
    if fault == "not-found":
        assert (line["status"], line["billed"], line.get("usage")) == ("error", False, None)
    elif bare and trial.name != "invoke model":  # whose usage comes in the headers, before the body
        assert line["status"] in ("error", "aborted") and line["source"] in ("missing", "partial")


def raised(trial: Trial, url: str) -> str:
    """Return the exception that comes out of a call, with its causes and the last frame of its traceback."""
    try:
        run(trial, url)
    except Exception as error:
        told, chain = [], [error]
        while chain:
            one: Any = chain.pop()
            frames = inspect.getinnerframes(one.__traceback__) if one.__traceback__ else []
            told.append(f"{type(one)} {shown(str(one))} {frames[-1].function if frames else ''}")
            chain += [found for found in (one.__cause__,) if found is not None]
        return "\n".join(told)
    return ""


@streams
def test_a_stream_that_is_left_early_is_recorded_as_such(
    trial: Trial, metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def first_async(stream: Any) -> list[Any]:
        async for event in stream:
            return [event]
        return []

    module = import_module(trial.call.__module__)
    monkeypatch.setattr(module, "read", lambda stream: [next(iter(stream))], raising=False)
    monkeypatch.setattr(module, "read_async", first_async, raising=False)
    sim.delay_s = 0.02
    with suppress(RuntimeError):  # what some SDKs say of a stream whose loop is gone
        run(trial, sim.url)
    line = settled(metered)
    assert line["status"] == "aborted"
    assert line["source"] in ("missing", "partial")


@streams
def test_a_stream_that_is_never_read_is_no_call_or_one_that_was_left(
    trial: Trial, metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing_async(stream: Any) -> list[Any]:
        return []

    module = import_module(trial.call.__module__)
    monkeypatch.setattr(module, "read", lambda stream: [], raising=False)
    monkeypatch.setattr(module, "read_async", nothing_async, raising=False)
    run(trial, sim.url)
    found = [settled(metered)] if sim.requests else calls(metered)
    assert len(found) == len(sim.requests)
    assert [line["status"] for line in found] in ([], ["aborted"])


def place(patch: Patch) -> tuple[Any, str, str]:
    """Return the module, the class and the attribute of a hook."""
    kind, _, name = patch.name.rpartition(".")
    return import_module(patch.module), kind, name


def patched() -> list[Patch]:
    """Return the hooks whose SDK is here."""
    for trial in TRIALS:
        import_module(trial.sdk)
    instrument.install()
    instrument.hooks()
    for patch in instrument._patches.values():
        with suppress(ImportError):
            import_module(patch.module)
    return [patch for patch in instrument._patches.values() if patch.state().state == "patched"]


@pytest.fixture
def clean() -> Iterator[None]:
    yield
    instrument.uninstall()


def test_uninstall_leaves_no_trace(clean: None) -> None:
    places = [place(patch) for patch in patched()]
    assert places
    instrument.uninstall()
    before = [dict(vars(getattr(module, kind))) for module, kind, _ in places]
    instrument.install()
    during = [getattr(getattr(module, kind), name) for module, kind, name in places]
    bare = [vars_.get(name) for vars_, (_, _, name) in zip(before, places, strict=True)]
    assert all(wrapped is not original for wrapped, original in zip(during, bare, strict=True))
    instrument.uninstall()
    assert [dict(vars(getattr(module, kind))) for module, kind, _ in places] == before


def test_what_is_wrapped_looks_as_it_did(clean: None) -> None:
    places = [place(patch) for patch in patched()]
    wrapped = [getattr(getattr(module, kind), name) for module, kind, name in places]
    instrument.uninstall()
    bare = [getattr(getattr(module, kind), name, None) for module, kind, name in places]
    for (*_, name), one, other in zip(places, wrapped, bare, strict=True):
        if other is None:  # each instance has its own, which is left as it was
            continue
        assert one.__name__ == other.__name__ and one.__doc__ == other.__doc__
        assert one.__module__ == other.__module__ and one.__qualname__ == other.__qualname__
        assert inspect.signature(one) == inspect.signature(other)
        assert inspect.iscoroutinefunction(one) == inspect.iscoroutinefunction(other)
        assert inspect.isasyncgenfunction(one) == inspect.isasyncgenfunction(other)
        if name != "request_streamed":  # google-genai's own, which returns what passes for a generator
            assert inspect.isgeneratorfunction(one) == inspect.isgeneratorfunction(other)
