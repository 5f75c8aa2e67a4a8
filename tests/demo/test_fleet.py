from __future__ import annotations

from pathlib import Path

import pytest

from meter.demo import FLEET, Member, Step, fleet
from meter.errors import ExtraMissing, MeterError
from meter.home import Home


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
    }
    given = fleet.environment(outer, FLEET[0], tmp_path)
    assert given == {
        "PATH": "/bin",
        "METER_HOME": str(tmp_path),
        "METER_SERVICE": "search-api",
        "METER_TAGS": "cost_center=CC-210",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
