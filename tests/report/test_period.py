"""Months and spans, half-open, in the ledger's time zone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from meter.errors import QueryInvalid
from meter.report import period

BERLIN = period.zone("Europe/Berlin")
NOW = datetime(2026, 11, 22, 15, 30, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "now", "start", "end"),
    [
        (None, NOW, "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
        (None, datetime(2026, 1, 1, tzinfo=timezone.utc), "2025-12-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00"),
        ("2026-12", NOW, "2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
        ("2024-02", NOW, "2024-02-01T00:00:00+01:00", "2024-03-01T00:00:00+01:00"),
    ],
)
def test_a_month_begins_and_ends_at_midnight_of_its_zone(text: str | None, now: datetime, start: str, end: str) -> None:
    found = period.month(text, now)
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)
    assert found.title == start[:7]


def test_the_month_of_today_ends_now_as_the_month_so_far_does() -> None:
    found = period.month("2026-11", NOW)
    assert (found.start, found.end) == (period.month_to_date(NOW).start, NOW)
    assert (found.title, period.month_to_date(NOW).title) == ("2026-11", "2026-11 so far")


@pytest.mark.parametrize(
    "text", ["9999-12", "0001-01", "2026", "2026-13", "2026-00", "0000-01", "october", "2026-1", "2026-10-01", ""]
)
def test_what_names_no_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(QueryInvalid, match="is not a month") as refusal:
        period.month(text, NOW)
    assert "2026-11" in str(refusal.value.hint)


@pytest.mark.parametrize(
    ("text", "start", "title"),
    [
        ("30d", NOW - timedelta(days=30), "last 30 days"),
        ("1d", NOW - timedelta(days=1), "last 1 day"),
        ("12h", NOW - timedelta(hours=12), "last 12 hours"),
        ("2w", NOW - timedelta(weeks=2), "last 2 weeks"),
        ("2026-10-01", datetime(2026, 10, 1, tzinfo=BERLIN), "since 2026-10-01"),
    ],
)
def test_since_reaches_from_then_to_now(text: str, start: datetime, title: str) -> None:
    found = period.since(text, NOW)
    assert (found.start, found.end, found.title) == (start, NOW, title)
    assert found.bounds() == {"from": start, "to": NOW}


@pytest.mark.parametrize(
    "text", ["", "30", "d", "30 days", "2026-13-01", "-5d", "yesterday", "0001-01-01", "9999-12-31"]
)
def test_what_is_no_time_to_start_from_is_refused(text: str) -> None:
    with pytest.raises(QueryInvalid, match="is not a time to start from"):
        period.since(text, NOW)


def test_a_day_begins_at_midnight_of_its_zone() -> None:
    assert period.start_of_day("2026-10-01", BERLIN).isoformat() == "2026-10-01T00:00:00+02:00"
    for text in ("", "30d", "2026-13-01", "0001-01-01"):
        with pytest.raises(QueryInvalid, match="is not a day") as refusal:
            period.start_of_day(text, BERLIN)
        assert "30d" not in str(refusal.value.hint)


def test_today_and_the_month_so_far_end_now() -> None:
    assert period.today(NOW).start.isoformat() == "2026-11-22T00:00:00+01:00"
    assert period.month_to_date(NOW).start.isoformat() == "2026-11-01T00:00:00+01:00"
    assert period.today(NOW).end == period.month_to_date(NOW).end == NOW


def test_a_zone_that_does_not_exist_is_named() -> None:
    with pytest.raises(QueryInvalid, match="Europe/Berln"):
        period.zone("Europe/Berln")
    with pytest.raises(QueryInvalid):
        period.zone("../etc/passwd")
