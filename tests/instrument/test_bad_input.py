"""Bad input and a bad world: the host is untouched, nothing else is lost, and the fault can be seen."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from meter import guard, recorder, tags
from meter.home import Home
from meter.simulator import Simulator
from tests.instrument import ways
from tests.instrument.sdks import OPENAI, SDKS, Sdk, calls, classes, elsewhere, only

SDK = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)

SHAPES: dict[str, Any] = {
    "a number": 7,
    "a list": [{"prompt_tokens": 1}],
    "text": "a lot",
    "an empty object": {},
    "text for counts": {"prompt_tokens": "many", "input_tokens": "many"},
    "truth for counts": {"prompt_tokens": True, "input_tokens": True},
    "unknown names": {"tokens": {"in": 1}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_usage_of_unknown_shape_is_kept_and_counts_as_missing(shape: str, metered: Home) -> None:
    body = {"id": "c", "model": "m", "choices": [], "usage": SHAPES[shape]}
    answer = elsewhere(OPENAI, body).chat.completions.create(**OPENAI.arguments)
    assert answer.id == "c"
    line = only(metered)
    assert (line["status"], line["source"]) == ("ok", "missing")
    assert line["raw"] == SHAPES[shape] and "usage" not in line
    assert guard.failures == {"usage.unknown_shape": 1}


def test_a_count_without_the_others_is_all_that_is_known(metered: Home) -> None:
    body = {"id": "c", "model": "m", "choices": [], "usage": {"completion_tokens": 7}}
    elsewhere(OPENAI, body).chat.completions.create(**OPENAI.arguments)
    assert only(metered)["usage"] == {"output": 7}


def test_a_count_beyond_belief_is_passed_on_for_the_ledger_to_refuse(metered: Home, sim: Simulator) -> None:
    huge = {"prompt_tokens": 10**18, "completion_tokens": 10**30, "total_tokens": 1}
    with OPENAI.sync(sim.url) as client:
        client.chat.completions.create(**OPENAI.arguments)
        elsewhere(OPENAI, {"id": "c", "usage": huge, "choices": []}).chat.completions.create(**OPENAI.arguments)
        client.chat.completions.create(**OPENAI.arguments)
    first, odd, last = calls(metered)
    assert classes(first) == classes(last) == OPENAI.classes
    assert odd["raw"] == huge


def test_odd_ids_and_models_are_no_text_and_no_harm(metered: Home) -> None:
    body = {
        "id": 7,
        "model": ["m"],
        "service_tier": {},
        "choices": [],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    elsewhere(OPENAI, body).chat.completions.create(**OPENAI.arguments)
    line = only(metered)
    assert line["usage"] == {"input": 1, "output": 2}
    assert not {"response_id", "response_model", "tier"} & set(line)


def test_a_body_that_is_no_utf8_is_no_harm(metered: Home) -> None:
    body = b'{"id": "c", "model": "\xff", "choices": [], "usage": {"prompt_tokens": 1, "note": "\xff"}}'
    elsewhere(OPENAI, body).chat.completions.with_raw_response.create(**OPENAI.arguments)
    line = only(metered)
    assert line["source"] == "missing"
    assert guard.failures.total() >= 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_may_not_be_written(metered: Home, sim: Simulator) -> None:
    metered.path.mkdir(parents=True)
    metered.path.chmod(0o500)
    unrecorded(sim)


def test_a_home_that_cannot_be_made(metered: Home, sim: Simulator) -> None:
    metered.path.parent.mkdir(parents=True, exist_ok=True)
    metered.path.write_text("a file where the folder should be")
    unrecorded(sim)


def unrecorded(sim: Simulator) -> None:
    for sdk in SDKS:
        with sdk.sync(sim.url) as client:
            assert len(ways.stream_for(sdk.of(client), sdk.arguments)) > 3
            assert sdk.of(client).create(**sdk.arguments).id
    assert guard.failures.total() >= 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with OPENAI.sync(sim.url) as client:
        client.chat.completions.create(**OPENAI.arguments)
        writer = recorder.spool()
        assert writer is not None

        def full(number: int, data: bytes) -> int:
            raise OSError(28, os.strerror(28))

        monkeypatch.setattr(writer, "_write", full)
        assert client.chat.completions.create(**OPENAI.arguments).id
        monkeypatch.undo()
        client.chat.completions.create(**OPENAI.arguments)
    assert len(calls(metered)) == 2
    states = [json.loads(path.read_bytes()) for path in metered.spool.glob("*.state")]
    assert sum(state["lost"] for state in states) == 1


@SDK
def test_a_clock_that_jumps_back_makes_no_negative_duration(
    sdk: Sdk, metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, steps = time.time_ns, iter(range(10**6))
    monkeypatch.setattr(time, "time_ns", lambda: real() - next(steps) * 3600 * 10**9)
    with sdk.sync(sim.url) as client:
        ways.create(sdk.of(client), sdk.arguments)
        ways.stream_for(sdk.of(client), sdk.arguments)
    monkeypatch.undo()
    assert all(0 <= line["dur"] < 60_000_000 for line in calls(metered))


def test_odd_tags_and_a_megabyte_of_them(metered: Home, sim: Simulator) -> None:
    class Odd:
        def __str__(self) -> str:
            raise ValueError("no text")

    odd: dict[str, Any] = {"n": 7, "none": None, "list": [1], "odd": Odd(), "half": "\ud800", "long": "x" * 1_000_000}
    with OPENAI.sync(sim.url) as client, tags(team="search", **odd):
        client.chat.completions.create(**OPENAI.arguments)
    line = only(metered)
    assert line["tags"]["team"] == "search" and line["tags"]["n"] == "7"
    assert len(json.dumps(line)) < 4000
    assert classes(line) == OPENAI.classes


def test_mocks_and_stand_ins_of_users_tests_work_as_ever(metered: Home) -> None:
    """Users replace responses and clients in their own tests."""
    from unittest.mock import MagicMock, patch

    import openai

    with patch.object(openai.resources.chat.completions.Completions, "create", return_value=MagicMock(id="mocked")):
        assert openai.OpenAI(api_key="k").chat.completions.create(**OPENAI.arguments).id == "mocked"
    http = MagicMock()
    http.iter_bytes.return_value = iter([b'data: {"id": "c", "choices": []}\n\n'])
    stream = openai.Stream(cast_to=object, response=http, client=openai.OpenAI(api_key="k"))
    assert len(list(stream)) == 1
    assert calls(metered) == []
    assert guard.failures == {}


def test_request_bodies_of_other_kinds_are_no_harm(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        for body in ([1], "text", None):
            with pytest.raises(Exception):  # noqa: B017 - the simulator or the SDK refuses
                client.post("/chat/completions", cast_to=object, body=body)
                raise ValueError
    assert all("request_model" not in line for line in calls(metered))
