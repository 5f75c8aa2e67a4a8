from __future__ import annotations

from pathlib import Path

import pytest

from meter import event
from meter.demo import FLEET, Member, Step, fleet
from meter.errors import ExtraMissing, MeterError
from meter.home import Home
from tests.conftest import lines_of


def test_the_fleet_has_all_that_the_demo_promises() -> None:
    steps = [step for member in FLEET for step in member.steps]
    kinds = {step.kind for step in steps}
    for kind in (
        "chat",
        "chat_async",
        "chat_stream",
        "chat_abandoned",
        "responses_stream",
        "embeddings",
        "messages_async",
    ):
        assert kind in kinds
    assert any(step.fault for step in steps)
    assert any(member.team is None for member in FLEET)
    assert len({member.service for member in FLEET}) == len(FLEET) >= 5
    assert len({step.model for step in steps}) >= 6


def test_each_kind_of_call_is_metered_once_as_what_it_is(home: Home) -> None:
    kinds = {
        "chat": ("openai.chat", None, "ok", "reported"),
        "chat_async": ("openai.chat", None, "ok", "reported"),
        "chat_stream": ("openai.chat", True, "ok", "reported"),
        "chat_stream_async": ("openai.chat", True, "ok", "reported"),
        "chat_abandoned": ("openai.chat", True, "aborted", "missing"),
        "responses": ("openai.responses", None, "ok", "reported"),
        "responses_stream": ("openai.responses", True, "ok", "reported"),
        "embeddings": ("openai.embeddings", None, "ok", "reported"),
        "messages": ("anthropic.messages", None, "ok", "reported"),
        "messages_async": ("anthropic.messages", None, "ok", "reported"),
        "messages_stream": ("anthropic.messages", True, "ok", "reported"),
        "messages_abandoned": ("anthropic.messages", True, "aborted", "partial"),
    }
    seen: list[tuple[int, int]] = []
    steps = tuple(Step(kind, "some-model", 1, feature=kind) for kind in kinds)
    made = fleet.run(home.path, [Member("jack", "all", "CC-1", steps)], lambda done, total: seen.append((done, total)))
    assert made == len(kinds)
    assert seen[-1] == (made, made)
    calls = [record for record in map(event.decode, lines_of(home)) if isinstance(record, event.Call)]
    assert len(calls) == len(kinds)
    found = {(call.tags or {})["feature"]: (call.api, call.stream or None, call.status, call.source) for call in calls}
    assert found == kinds
    assert {(call.service, (call.tags or {})["team"], (call.tags or {})["cost_center"]) for call in calls} == {
        ("jack", "all", "CC-1")
    }


def test_calls_of_nobody_carry_no_tag_and_failures_their_attempts(home: Home) -> None:
    steps = (Step("chat", "gpt-4o", 1, fault="rate-limited-once"), Step("chat", "gpt-4o", 1, fault="bad-request"))
    fleet.run(home.path, [Member("nobody", None, "", steps)])
    calls = [record for record in map(event.decode, lines_of(home)) if isinstance(record, event.Call)]
    assert [
        (call.status, call.error, call.attempts, call.tags) for call in sorted(calls, key=lambda call: call.ts)
    ] == [
        ("ok", None, 2, None),
        ("error", "BadRequestError", 1, None),
    ]


def test_a_member_that_fails_is_an_error_with_its_last_words(home: Home) -> None:
    with pytest.raises(MeterError, match=r"dancer of the demo's fleet ended with status 1: KeyError: 'dance'"):
        fleet.run(home.path, [Member("dancer", None, "", (Step("dance", "gpt-4o", 1),))])


def test_a_fleet_that_takes_too_long_is_ended(home: Home) -> None:
    with pytest.raises(MeterError, match=r"after 0.2 s the demo's fleet still works: sleeper"):
        fleet.run(home.path, [Member("sleeper", None, "", (Step("chat", "slow", 1),))], timeout_s=0.2)


def test_without_an_sdk_the_error_says_which_extra_to_install(tmp_path: Path) -> None:
    with pytest.raises(ExtraMissing, match="no_such_sdk") as caught:
        fleet.run(tmp_path, sdks=["no_such_sdk"])
    assert "spendmeter[demo]" in str(caught.value.hint)


def test_a_process_gets_nothing_of_the_users_own_metering_and_no_proxy(tmp_path: Path) -> None:
    outer = {
        "PATH": "/bin",
        "METER_STORE": "x",
        "OPENAI_API_KEY": "x",
        "ANTHROPIC_BASE_URL": "x",
        "OTEL_SERVICE_NAME": "x",
        "ALL_PROXY": "socks5://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "NO_PROXY": "elsewhere",
    }
    given = fleet.environment(outer, FLEET[0], tmp_path)
    assert given == {
        "PATH": "/bin",
        "METER_HOME": str(tmp_path),
        "METER_SERVICE": "search-api",
        "METER_TAGS": "cost_center=CC-210",
    }
