"""Anthropic's client middleware may ask more than once for one call: each answer was billed, and each is recorded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from meter import guard, instrument
from meter.home import Home
from meter.simulator import Simulator, faults
from tests.instrument.sdks import ANTHROPIC, CLAUDE, calls, classes, method, only, show

pytest.importorskip("anthropic._middleware", reason="this version of anthropic has no middleware")

OTHER = "claude-other"


def again(request: Any, call_next: Any) -> Any:
    """Ask, then ask another model, and return the second answer."""
    call_next(request).parse()
    return call_next(request.copy(body={**request.json, "model": OTHER}))


def test_a_middleware_that_passes_on_changes_nothing(metered: Home, sim: Simulator) -> None:
    with ANTHROPIC.sync(sim.url, middleware=[lambda request, call_next: call_next(request)]) as client:
        client.messages.create(**CLAUDE)
        list(client.messages.create(**CLAUDE, stream=True))
    first, second = calls(metered)
    assert classes(first) == classes(second) == ANTHROPIC.classes
    assert "parent" not in first and "parent" not in second


def test_a_second_answer_is_a_call_with_a_parent(metered: Home, sim: Simulator) -> None:
    with ANTHROPIC.sync(sim.url, middleware=[again]) as client:
        message = client.messages.create(**CLAUDE)
    first, second = sorted(calls(metered), key=lambda line: "parent" in line)
    assert message.model == OTHER
    assert (first["request_model"], second["request_model"]) == (CLAUDE["model"], OTHER)
    assert (first["response_model"], second["response_model"]) == (CLAUDE["model"], OTHER)
    assert second["parent"] == first["id"]
    assert classes(first) == classes(second) == ANTHROPIC.classes


def test_a_second_answer_to_an_async_call(metered: Home, sim: Simulator) -> None:
    async def again_async(request: Any, call_next: Any) -> Any:
        await (await call_next(request)).parse()
        return await call_next(request.copy(body={**request.json, "model": OTHER}))

    async def run() -> None:
        async with ANTHROPIC.asynchronous(sim.url, middleware=[again_async]) as client:
            await client.messages.create(**CLAUDE)

    asyncio.run(run())
    first, second = sorted(calls(metered), key=lambda line: "parent" in line)
    assert second["parent"] == first["id"]


def test_attempts_inside_the_sdk_are_no_second_answers(metered: Home, sim: Simulator) -> None:
    seen: list[int] = []

    def watch(request: Any, call_next: Any) -> Any:
        answer = call_next(request)
        seen.append(answer.status_code)
        return answer

    with ANTHROPIC.sync(sim.url, middleware=[watch], max_retries=2) as client:
        client.messages.create(**{**CLAUDE, "model": "flaky-middleware"})
    line = only(metered)
    assert seen == [500, 200]
    assert line["attempts"] == 2
    assert classes(line) == ANTHROPIC.classes


def test_a_middleware_that_answers_itself_makes_no_call(metered: Home, sim: Simulator) -> None:
    remembered: list[Any] = []

    def cache(request: Any, call_next: Any) -> Any:
        if not remembered:
            remembered.append(call_next(request).parse())
        return remembered[0]

    with ANTHROPIC.sync(sim.url, middleware=[cache]) as client:
        assert show(client.messages.create(**CLAUDE)) == show(client.messages.create(**CLAUDE))
    assert classes(only(metered)) == ANTHROPIC.classes


def test_a_call_made_by_a_middleware_is_a_call_of_its_own(metered: Home, sim: Simulator) -> None:
    def count_first(request: Any, call_next: Any) -> Any:
        plain.messages.count_tokens(model=CLAUDE["model"], messages=CLAUDE["messages"])  # free: no call
        plain.messages.create(**{**CLAUDE, "model": OTHER})
        return call_next(request)

    with ANTHROPIC.sync(sim.url) as plain, ANTHROPIC.sync(sim.url, middleware=[count_first]) as client:
        client.messages.create(**CLAUDE)
    assert sorted(line["request_model"] for line in calls(metered)) == sorted((OTHER, CLAUDE["model"]))
    assert all("parent" not in line for line in calls(metered))


REFUSES = "claude-refuses"
TOKEN = b'"stop_reason":"refusal","stop_details":{"type":"refusal","fallback_credit_token":"token"}'
"""What the middleware needs in order to ask another model in mid-stream."""


def fallback(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the SDK's own fallback middleware, and let a model of the simulator refuse."""
    found = pytest.importorskip("anthropic.lib.middleware").BetaRefusalFallbackMiddleware([{"model": OTHER}])
    refuse = faults.named("content-filter")[0]
    fault_of, broken = Simulator._fault_of, faults.broken

    def refusing(self: Simulator, arrival: Any) -> Any:
        return refuse if arrival.body.get("model") == REFUSES else fault_of(self, arrival)

    def with_token(reply: Any, fault: Any) -> Any:
        if fault is refuse and reply.frames:
            reply.frames = [frame.replace(b'"stop_reason":"refusal"', TOKEN) for frame in reply.frames]
        return broken(reply, fault)

    monkeypatch.setattr(Simulator, "_fault_of", refusing)
    monkeypatch.setattr(faults, "broken", with_token)
    return found


def test_the_sdks_fallback_is_two_calls(metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with ANTHROPIC.sync(sim.url, middleware=[fallback(sim, monkeypatch)]) as client:
        message = method(client, "beta.messages.create")(**{**CLAUDE, "model": REFUSES})
    assert message.model == OTHER
    first, second = sorted(calls(metered), key=lambda line: "parent" in line)
    assert (first["response_model"], second["response_model"]) == (REFUSES, OTHER)
    assert second["parent"] == first["id"]


def test_the_sdks_fallback_in_a_stream_is_two_calls_and_looks_as_ever(
    sim: Simulator, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> list[str]:
        with ANTHROPIC.sync(sim.url, middleware=[fallback(sim, monkeypatch)]) as client:
            stream = method(client, "beta.messages.create")(**{**CLAUDE, "model": REFUSES}, stream=True)
            return [show(event) for event in stream]

    bare = run()
    instrument.install()
    seen = run()
    found = sorted(calls(home), key=lambda line: "parent" in line)
    instrument.uninstall()
    assert seen == bare
    first, second = found
    assert (first["response_model"], second["response_model"]) == (REFUSES, OTHER)
    assert second["parent"] == first["id"]
    assert first["stream"] and second["stream"]
    assert classes(second) == ANTHROPIC.classes
    assert guard.failures == {}


def test_the_sdks_fallback_in_an_async_stream_is_two_calls(
    metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with ANTHROPIC.asynchronous(sim.url, middleware=[fallback(sim, monkeypatch)]) as client:
            async for _ in await method(client, "beta.messages.create")(**{**CLAUDE, "model": REFUSES}, stream=True):
                pass

    asyncio.run(run())
    first, second = sorted(calls(metered), key=lambda line: "parent" in line)
    assert second["parent"] == first["id"]
    assert classes(second) == ANTHROPIC.classes
    assert guard.failures == {}


def test_raw_events_of_a_stream_are_read(metered: Home, sim: Simulator) -> None:
    import anthropic

    if not hasattr(anthropic.Stream, "raw_events"):
        pytest.skip("this version has no raw_events")
    with ANTHROPIC.sync(sim.url) as client:
        stream = client.messages.create(**CLAUDE, stream=True)
        names = [event.event for event in anthropic.Stream.raw_events(stream.response)]
    assert names[0] == "message_start"
    assert classes(only(metered)) == ANTHROPIC.classes
