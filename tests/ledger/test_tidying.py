"""Raw usage goes when its days are over; calls and costs stay."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from meter import settings
from meter.ledger import Ledger, ingest, tidy
from meter.ledger.tidying import id_from
from tests.ledger.months import at
from tests.ledger.records import call, rows, segment, value

NOON = datetime(2026, 1, 11, 12, tzinfo=timezone.utc)
TIMES = ("2026-01-01T11:59:59.999", "2026-01-01T12:00:00", "2026-01-11T00:00:00")


def keep(days: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if days is None:
        monkeypatch.delenv("METER_RAW_DAYS", raising=False)
    else:
        monkeypatch.setenv("METER_RAW_DAYS", days)
    settings.reset()


def left(ledger: Ledger) -> int:
    return int(value(ledger, "SELECT count(*) FROM ledger.raw_usage"))


@pytest.fixture
def old(ledger: Ledger) -> Ledger:
    """A ledger with three calls that have raw usage."""
    ts = [int(datetime.fromisoformat(f"{time}+00:00").timestamp() * 1000) * 1000 for time in TIMES]
    segment(ledger.home, *(call(moment, raw={"prompt_tokens": 1}) for moment in ts))
    ingest(ledger)
    return ledger


def test_by_default_raw_usage_is_kept_for_ever(old: Ledger) -> None:
    assert tidy(old, now=lambda: NOON + timedelta(days=100_000)) == 0
    assert left(old) == 3


def test_raw_usage_older_than_the_days_goes_and_its_call_stays(old: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = rows(old, "FROM calls ORDER BY ALL")
    keep("10", monkeypatch)
    assert tidy(old, now=lambda: NOON) == 1
    assert left(old) == 2
    assert rows(old, "FROM calls ORDER BY ALL") == calls


def test_it_is_done_once_a_day(old: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("10", monkeypatch)
    assert tidy(old, now=lambda: NOON - timedelta(days=1)) == 0
    assert tidy(old, now=lambda: NOON - timedelta(minutes=1)) == 0
    assert tidy(old, now=lambda: NOON) == 1
    assert value(old, "SELECT count(*) FROM ledger.chores") == 1


def test_a_clock_that_was_set_back_delays_nothing(old: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("1000", monkeypatch)
    tidy(old, now=lambda: NOON + timedelta(days=900))
    keep("10", monkeypatch)
    assert tidy(old, now=lambda: NOON) == 1


def test_more_days_than_there_are_keep_all(old: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("99999999999", monkeypatch)
    assert tidy(old, now=lambda: NOON) == 0
    assert left(old) == 3


def test_where_there_is_no_ledger_none_is_made(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("1", monkeypatch)
    ledger.home.ledger.unlink()
    assert tidy(ledger) == 0
    assert not ledger.home.ledger.exists()


def test_days_that_cannot_be_read_are_told_and_nothing_goes(old: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("0", monkeypatch)
    assert tidy(old, now=lambda: NOON) == 0
    assert settings.problems() == ["METER_RAW_DAYS='0' is ignored: expected a whole number above 0"]


def test_ids_of_a_moment_begin_with_it() -> None:
    assert id_from(NOON).hex == f"{at('2026-01-11T12:00:00') // 1000:012x}{'0' * 20}"
    assert id_from(datetime(1, 1, 1, tzinfo=timezone.utc)).int == 0
