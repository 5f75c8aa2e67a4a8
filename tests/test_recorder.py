"""From a finished call to a line in the spool, whatever the service hands in and whatever the disk does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

import meter
from meter import event, guard, recorder, settings
from meter.home import Home
from tests.conftest import lines_of


def records(home: Home) -> list[dict[str, Any]]:
    return [record for line in lines_of(home) if (record := json.loads(line))["kind"] != "process"]


def test_a_recorded_call_is_one_line_with_all_that_was_said(home: Home) -> None:
    moment = datetime(2026, 10, 1, 12, tzinfo=timezone.utc)
    with meter.tags(team="search"):
        call_id = meter.record(
            provider="openai",
            model="gpt-4o-mini",
            usage={"input": 1200, "cache_read": 800, "output": 80},
            started_at=moment,
            duration_s=1.5,
            tier="flex",
            response_id="resp_1",
            tags={"feature": "answers"},
        )
    (line,) = records(home)
    assert line == {
        "kind": "call",
        "v": 1,
        "id": call_id,
        "ts": 1_790_856_000_000_000,
        "dur": 1_500_000,
        "service": line["service"],
        "host": line["host"],
        "pid": os.getpid(),
        "provider": "openai",
        "operation": "chat",
        "request_model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini",
        "response_id": "resp_1",
        "tier": "flex",
        "usage": {"input": 1200, "cache_read": 800, "output": 80},
        "source": "reported",
        "status": "ok",
        "tags": {"team": "search", "feature": "answers"},
    }


def test_another_name_of_a_provider_becomes_its_own(home: Home) -> None:
    meter.record(provider="bedrock", model="m", usage={})
    meter.record(provider="nobody-knows", model="m", usage={})
    assert [line["provider"] for line in records(home)] == ["aws.bedrock", "nobody-knows"]


@pytest.mark.parametrize(
    "moment",
    [
        1_790_856_000.25,
        datetime(2026, 10, 1, 12, 0, 0, 250_000),  # noqa: DTZ001 - without a zone: UTC
        datetime(2026, 10, 1, 14, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_a_start_is_read_in_every_form(home: Home, moment: datetime | float) -> None:
    meter.record(provider="openai", model="m", usage={}, started_at=moment)
    assert records(home)[0]["ts"] == 1_790_856_000_250_000


def test_an_outcome_is_written_to_the_last_digit(home: Home) -> None:
    meter.outcome("ticket_resolved", value=Decimal("4.20"), quantity=2, team="support")
    (line,) = records(home)
    assert {key: line[key] for key in ("kind", "name", "value", "currency", "quantity", "tags")} == {
        "kind": "outcome",
        "name": "ticket_resolved",
        "value": "4.20",
        "currency": "USD",
        "quantity": "2",
        "tags": {"team": "support"},
    }


def test_the_first_line_of_a_segment_says_who_writes_it(home: Home) -> None:
    meter.record(provider="openai", model="m", usage={})
    first = json.loads(lines_of(home)[0])
    assert (first["kind"], first["pid"]) == ("process", os.getpid())
    assert first["python"].startswith("3.")


@pytest.mark.parametrize(
    ("variables", "service"),
    [
        ({"METER_SERVICE": "mine", "OTEL_SERVICE_NAME": "otel"}, "mine"),
        ({"OTEL_SERVICE_NAME": "otel"}, "otel"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=attributes"}, "attributes"),
    ],
)
def test_the_service_is_named_by_the_first_that_knows(
    home: Home, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], service: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.reset()
    meter.record(provider="openai", model="m", usage={})
    assert records(home)[0]["service"] == service


def test_the_line_is_on_the_disk_when_the_call_returns_even_if_the_process_ends_at_once(home: Home) -> None:
    code = "import meter, os; meter.record(provider='openai', model='m', usage={'input': 1}); os._exit(0)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert [line["usage"] for line in records(home)] == [{"input": 1}]


def test_a_home_that_cannot_be_made_breaks_nothing_and_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings.configure(home=str(tmp_path / "file" / "home"))
    assert meter.record(provider="openai", model="m", usage={})
    assert meter.record(provider="openai", model="m", usage={})
    assert guard.failures["record"] + guard.failures["spool.open"] == 2


def test_a_spool_that_could_not_be_opened_is_tried_again_later(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.path.parent.mkdir(exist_ok=True)
    home.path.write_text("in the way")
    meter.record(provider="openai", model="lost", usage={})
    home.path.unlink()
    monkeypatch.setattr(recorder, "RETRY_S", 0.0)
    recorder.close()
    meter.record(provider="openai", model="kept", usage={})
    assert [line["request_model"] for line in records(home)] == ["kept"]


ODD_COUNTS = [-1, float("nan"), float("inf"), Decimal("NaN"), True, "many", "5", [1], {"text": 5}]


@pytest.mark.parametrize("odd", ODD_COUNTS, ids=repr)
def test_a_count_that_makes_no_sense_is_told_at_the_call_and_the_others_are_kept(home: Home, odd: Any) -> None:
    meter.record(provider="openai", model="m", usage={"input": odd, "output": 5})
    meter.record(provider="openai", model="m", usage={"input": odd})
    some, none = records(home)
    assert (some["usage"], some["source"]) == ({"output": 5}, "partial")
    assert (none.get("usage"), none["source"]) == (None, "missing")
    assert guard.failures == {"record.arguments": 2}


@pytest.mark.parametrize(("count", "kept"), [(2.5, 2.5), (3.0, 3), (Decimal(3), 3), (Fraction(1, 2), 0.5), (0, 0)])
def test_any_kind_of_number_is_a_count(home: Home, count: Any, kept: float) -> None:
    nothing: Any = None
    meter.record(provider="openai", model="m", usage={"input": count, "output": nothing})
    assert [(line["usage"], line["source"]) for line in records(home)] == [({"input": kept}, "reported")]
    assert guard.failures == {}


@pytest.mark.parametrize("odd", [10**18, 10**30])
def test_a_count_beyond_belief_is_written_and_left_to_the_ledger_to_judge(home: Home, odd: int) -> None:
    meter.record(provider="openai", model="m", usage={"input": odd})
    assert [int(line["usage"]["input"]) for line in records(home)] == [odd]


@pytest.mark.parametrize("usage", [None, [1], 7, "input"])
def test_a_usage_that_is_none_is_unknown(home: Home, usage: Any) -> None:
    meter.record(provider="openai", model="m", usage=usage)
    assert [(line.get("usage"), line["source"]) for line in records(home)] == [(None, "missing")]


class Hostile:
    """A value whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    "odd", [None, 7, ["a"], {"a": 1}, b"x", "\ud800", "x" * 10_000, Hostile()], ids=lambda x: type(x).__name__
)
def test_arguments_of_odd_types_become_text_or_nothing(home: Home, odd: Any) -> None:
    fields = dict.fromkeys(("provider", "model", "operation", "tier", "response_id", "status", "tags"), odd)
    assert meter.record(usage={"input": 1}, started_at=odd, duration_s=odd, **fields)
    assert meter.outcome(odd, value=odd, currency=odd, quantity=odd, team=odd)
    lines = [event.decode(line) for line in lines_of(home) if b'"call"' in line or b'"outcome"' in line]
    assert len(lines) == 2
    assert all(
        len(text) <= 256 for line in lines for text in msgspec.to_builtins(line).values() if isinstance(text, str)
    )


@pytest.mark.parametrize("moment", ["yesterday", float("nan"), float("inf"), 10**20, -1])
def test_a_start_that_makes_no_sense_is_counted_and_the_call_is_kept(home: Home, moment: Any) -> None:
    before = event.now_us()
    meter.record(provider="openai", model="m", usage={}, started_at=moment, duration_s=1)
    meter.record(provider="openai", model="m", usage={}, duration_s=moment if moment != 10**20 else -1)
    assert [before <= line["ts"] <= event.now_us() for line in records(home)] == [True, True]
    assert [line.get("dur") for line in records(home)] == [1_000_000, None]
    assert guard.failures == {"record.arguments": 2}


@pytest.mark.parametrize("value", ["four", float("nan"), 10**20, True])
def test_an_outcomes_worth_that_makes_no_sense_is_told_at_the_call(home: Home, value: Any) -> None:
    meter.outcome("done", value=value, quantity=value)
    (line,) = records(home)
    assert not {"value", "quantity"} & set(line)
    assert guard.failures == {"record.arguments": 2}


def test_a_forked_child_says_its_own_pid(home: Home) -> None:
    code = (
        "import meter, os\n"
        "meter.record(provider='openai', model='parent', usage={})\n"
        "pid = os.fork()\n"
        "meter.record(provider='openai', model='parent' if pid else 'child', usage={})\n"
        "os.waitpid(pid, 0) if pid else os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    pids = {line["pid"]: line["request_model"] for line in records(home)}
    assert sorted(pids.values()) == ["child", "parent"]
    assert len(records(home)) == 3
