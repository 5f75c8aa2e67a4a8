"""A fault in any step of metering: the caller sees what the bare SDK gives, and the count of failures rises by one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from meter import event, guard, instrument, recorder
from meter.home import Home
from meter.instrument import facts, lines, live, stainless, taps, usage_option
from meter.providers import progress
from meter.simulator import Simulator
from tests.instrument import ways
from tests.instrument.sdks import SDKS, Sdk, calls

SDK = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)

CALL = {
    "the call begins": (recorder, "start"),
    "its account is read": (facts, "of"),
    "the answer's headers are read": (facts, "take_headers"),
    "the answer's body is read": (live.LiveCall, "take_body"),
    "the record is filled": (live.LiveCall, "_fill"),
    "the spool is opened": (recorder, "spool"),
    "the record is encoded": (event, "encode"),
}
STREAM = {
    **{step: place for step, place in CALL.items() if "body" not in step},
    "the response is tied to the call": (stainless, "attach"),
    "the stream is tapped": (stainless, "tap_of"),
    "usage is read from an event": (progress.Progress, "take"),
}
CHAT_STREAM = {"usage is asked for": (usage_option, "wanted")}
BYTES = {
    "bytes are tapped": (taps, "collector"),
    "bytes are read": (lines.Lines, "feed"),
}


def broken(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("a fault of ours")


@SDK
@pytest.mark.parametrize("step", CALL)
def test_in_a_call(step: str, sdk: Sdk, sim: Simulator, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    both(lambda client: ways.create(sdk.of(client), sdk.arguments), sdk, sim, home, monkeypatch, CALL[step])


@SDK
@pytest.mark.parametrize("step", STREAM)
def test_in_a_stream(step: str, sdk: Sdk, sim: Simulator, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    both(lambda client: ways.stream_for(sdk.of(client), sdk.arguments), sdk, sim, home, monkeypatch, STREAM[step])


@pytest.mark.parametrize("step", CHAT_STREAM)
def test_in_a_chat_stream(step: str, sim: Simulator, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = SDKS[0]
    both(lambda client: ways.stream_for(sdk.of(client), sdk.arguments), sdk, sim, home, monkeypatch, CHAT_STREAM[step])


@SDK
@pytest.mark.parametrize("step", BYTES)
def test_in_a_body_read_as_bytes(
    step: str, sdk: Sdk, sim: Simulator, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    both(lambda client: ways.streaming_lines(sdk.of(client), sdk.arguments), sdk, sim, home, monkeypatch, BYTES[step])


@SDK
def test_in_an_async_stream(sdk: Sdk, sim: Simulator, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Any:
        async with sdk.asynchronous(sim.url) as client:
            return await ways.a_stream_for(sdk.of(client), sdk.arguments)

    bare = asyncio.run(run())
    instrument.install()
    monkeypatch.setattr(progress.Progress, "take", broken)
    assert asyncio.run(run()) == bare
    instrument.uninstall()
    assert guard.failures.total() == 1


@SDK
def test_where_an_error_is_noted(sdk: Sdk, sim: Simulator, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = {**sdk.arguments, "model": "bad"}
    instrument.install()
    monkeypatch.setattr(stainless, "attempts", broken)
    with sdk.sync(sim.url) as client, pytest.raises(Exception, match="400") as raised:
        sdk.of(client).create(**ask)
    instrument.uninstall()
    assert raised.value.__context__ is None or "fault of ours" not in repr(raised.value.__context__)
    assert guard.failures.total() == 1


def both(
    run: Any, sdk: Sdk, sim: Simulator, home: Home, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str]
) -> None:
    """Run bare, then metered with the fault."""
    with sdk.sync(sim.url) as client:
        bare = run(client)
        instrument.install()
        opened = recorder.spool()
        assert opened is not None
        opened.publish()  # a segment's first line is a record too
        with monkeypatch.context() as patched:
            patched.setattr(*place, broken)
            metered = run(client)
            calls(home)
        instrument.uninstall()
    assert metered == bare
    assert guard.failures.total() == 1, guard.failures
