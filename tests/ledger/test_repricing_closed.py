"""A closed month stays as it is: refused, or booked in the open one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from meter.errors import MeterError, PeriodClosed
from meter.ledger import Ledger, exporting
from meter.ledger.repricing import Revision, Scope
from tests.ledger.books import (
    ALL,
    DAY,
    NOVEMBER,
    assert_revisions_tie,
    close,
    filled,
    multiply,
    reprice,
    tables,
)
from tests.ledger.records import TS, call, rows


def test_a_closed_month_is_refused_by_name_with_its_difference_and_the_way_out(ledger: Ledger) -> None:
    filled(ledger, call(), call(TS + 30 * DAY))
    close(ledger, "2025-11")
    multiply(ledger, 2)
    before = tables(ledger)
    with pytest.raises(PeriodClosed, match=r"a month that is closed would change: 2025-11 by \+0.00024 USD") as caught:
        reprice(ledger)
    assert "--adjust" in (caught.value.hint or "")
    assert "--since 2025-12-01" in (caught.value.hint or "")
    assert tables(ledger) == before
    assert reprice(ledger, replace(ALL, since=NOVEMBER.until)) == Revision(1, 1, 0)


def test_a_month_that_was_opened_again_or_is_under_review_is_not_closed(ledger: Ledger) -> None:
    filled(ledger, call())
    close(ledger, "2025-11")
    close(ledger, "2025-11", "in_review")
    multiply(ledger, 2)
    assert reprice(ledger) == Revision(1, 1, 0)


def test_a_closed_month_that_would_not_cost_otherwise_is_no_hindrance(ledger: Ledger) -> None:
    filled(ledger, call(), call(TS + 30 * DAY, response_model="gpt-4o-2024-08-06"))
    close(ledger, "2025-12")
    multiply(ledger, 2)
    assert reprice(ledger) == Revision(1, 1, 0)


def test_an_adjustment_books_the_difference_of_a_closed_month_in_the_open_one(ledger: Ledger) -> None:
    filled(ledger, call(account="org-1"), call(account="org-1"), call(account="org-2", tags=None), call(TS + 30 * DAY))
    close(ledger, "2025-11")
    close(ledger, "2026-01")
    multiply(ledger, 2)
    calls = rows(ledger, "SELECT * FROM calls WHERE started_at < '2025-12-01'")
    assert reprice(ledger, adjust=True) == Revision(1, calls=1, adjustments=2)
    assert rows(ledger, "SELECT * FROM calls WHERE started_at < '2025-12-01'") == calls
    booked = "month, for_month, provider, account, model, kind, amount, currency, revision_id, reason, made_by"
    common = (date(2026, 2, 1), date(2025, 11, 1), "openai"), ("gpt-4o-mini-2024-07-18", "correction")
    said = ("USD", 1, "a test", "me@here")
    assert rows(ledger, f"SELECT {booked} FROM ledger.adjustments ORDER BY account") == [
        (*common[0], "org-1", *common[1], Decimal("0.00048"), *said),
        (*common[0], "org-2", *common[1], Decimal("0.00024"), *said),
    ]
    assert rows(ledger, "SELECT calls, adjustment, months FROM revisions") == [
        (1, Decimal("0.00072"), [date(2025, 11, 1), date(2025, 12, 1)])
    ]
    assert_revisions_tie(ledger)


def test_what_is_booked_is_not_booked_twice_and_is_taken_back(ledger: Ledger) -> None:
    filled(ledger, call(), call(response_model="gpt-4o-2024-08-06"))
    close(ledger, "2025-11")
    multiply(ledger, 2)
    assert reprice(ledger, adjust=True) == Revision(1, 0, 1)
    assert reprice(ledger, adjust=True) is None
    assert reprice(ledger) is None
    multiply(ledger, "0.5")
    assert reprice(ledger, replace(ALL, model="gpt-4o-mini*"), adjust=True) == Revision(2, 0, 1)
    amounts = rows(ledger, "SELECT adjustment_id, amount FROM ledger.adjustments ORDER BY ALL")
    assert amounts == [(1, Decimal("0.00024")), (2, Decimal("-0.00024"))]
    assert reprice(ledger, adjust=True) is None


def test_a_correction_is_of_a_whole_month(ledger: Ledger) -> None:
    filled(ledger, call())
    close(ledger, "2025-11")
    multiply(ledger, 2)
    part = replace(ALL, since=datetime(2025, 11, 10, tzinfo=timezone.utc))
    with pytest.raises(PeriodClosed, match="2025-11 is closed, and only a part of it") as caught:
        reprice(ledger, part, adjust=True)
    assert "--since 2025-11-01" in (caught.value.hint or "")
    assert reprice(ledger, NOVEMBER, adjust=True) == Revision(1, 0, 1)


def test_months_follow_the_ledgers_time_zone(ledger: Ledger) -> None:
    ledger.home.config.write_text('[period]\ntimezone = "Asia/Tokyo"\n', "utf-8")
    midnight = int(NOVEMBER.until.timestamp()) * 1_000_000 - DAY // 4  # 18:00 UTC on the 30th: December in Tokyo
    filled(ledger, call(midnight))
    close(ledger, "2025-11")
    multiply(ledger, 2)
    assert reprice(ledger) == Revision(1, 1, 0)
    assert rows(ledger, "SELECT months FROM revisions") == [([date(2025, 12, 1)],)]


@pytest.mark.parametrize(
    ("zone", "days", "way"),
    [
        ("UTC", ("2025-11-10", "2026-01-01"), "--since 2025-12-01"),
        ("Asia/Tokyo", ("2025-12-01", "2026-01-01"), "--since 2025-12-02"),
        ("America/New_York", ("2025-10-01", "2025-11-01"), "--until 2025-10-31"),
        ("America/New_York", ("2025-11-02", "2025-11-03"), None),
    ],
)
def test_the_way_around_a_month_in_a_file_is_one_whatever_the_time_zone_is_by_now(
    ledger: Ledger, zone: str, days: tuple[str, str], way: str | None
) -> None:
    filled(ledger, call(), call(TS + 30 * DAY))
    list(exporting.move_out(ledger, ledger.home.path / "cold", date(2025, 12, 1)))
    ledger.home.config.write_text(f"[period]\ntimezone = '{zone}'\n", "utf-8")
    since, until = (datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)) for day in days)
    with pytest.raises(MeterError, match="calls of 2025-11 lie in files") as caught:
        reprice(ledger, Scope(since, until))
    hint = str(caught.value.hint)
    assert "meter export --restore 2025-11" in hint
    assert hint.count("--since") + hint.count("--until") == (way is not None)
    if way is None:
        return
    assert hint.endswith(way)
    moment = datetime.fromisoformat(way[-10:]).replace(tzinfo=ZoneInfo(zone))
    assert reprice(ledger, Scope(moment, until) if "since" in way else Scope(since, moment)) is None
