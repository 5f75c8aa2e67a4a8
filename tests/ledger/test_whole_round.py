"""Months move out and back, calls come late, prices and time zone change, the file is compacted: in any order, money ties out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meter.errors import MeterError
from meter.home import Home, ensure
from meter.ledger import Ledger, cold, exporting, ingest
from meter.ledger.compaction import compact
from tests.ledger import books
from tests.ledger.months import KINDS, at
from tests.ledger.records import call, rows, segment, value

EXAMPLES = 60 if os.environ.get("METER_TEST_ALL") else 6
ZONES = ("UTC", "Asia/Tokyo", "America/New_York", "Asia/Kolkata")
MOMENTS = tuple(
    f"{month}T{time}"
    for month in ("2025-11-01", "2025-11-30", "2025-12-01", "2025-12-31", "2026-01-01", "2026-01-15")
    for time in ("00:00:00", "12:00:00", "23:30:00")
)
SPENT = "SELECT coalesce(sum(effective_cost), 0) FROM {} WHERE currency = 'USD'"

Round = tuple[Ledger, list[bytes]]


def arrive(round_: Round, lines: list[bytes]) -> None:
    ledger, known = round_
    again = known[:1] + known[-1:] if len(known) > 1 else known[:1]
    segment(ledger.home, *lines, *again)  # what is sent twice is known, wherever it is by now
    assert ingest(ledger).duplicates == len(again)
    known += lines


def move(round_: Round, before: date) -> None:
    list(exporting.move_out(round_[0], round_[0].home.path / "cold", before))


def restore(round_: Round, place: int) -> None:
    with round_[0].reading() as con:
        found = cold.months(con)
    for month in found[place : place + 1]:
        exporting.bring_back(round_[0], month.month)


def reprice(round_: Round, factor: str) -> None:
    """Every month that is in the ledger; those that moved out are refused, and stay as they are."""
    ledger = round_[0]
    books.multiply(ledger, factor)
    before = value(ledger, SPENT.format("calls"))
    try:
        books.reprice(ledger)
    except MeterError as error:
        assert "--restore" in str(error.hint)
        assert value(ledger, SPENT.format("calls")) == before
    books.reprice(ledger, replace(books.ALL, since=datetime(2026, 2, 1, tzinfo=timezone.utc)))


def zone(round_: Round, name: str) -> None:
    round_[0].home.config.write_text(f"[period]\ntimezone = '{name}'\n", "utf-8")


CALLS = st.lists(
    st.builds(lambda moment, kind: call(at(moment), **kind), st.sampled_from(MOMENTS), st.sampled_from(KINDS)),
    max_size=4,
)
STEPS: st.SearchStrategy[tuple[Callable[[Round, Any], None], Any]] = st.one_of(
    st.tuples(st.just(arrive), CALLS),
    st.tuples(st.just(move), st.sampled_from([date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)])),
    st.tuples(st.just(restore), st.integers(0, 2)),
    st.tuples(st.just(reprice), st.sampled_from(["2", "0.5"])),
    st.tuples(st.just(zone), st.sampled_from(ZONES)),
    st.tuples(st.just(lambda round_, _: compact(round_[0])), st.none()),
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=CALLS, steps=st.lists(STEPS, min_size=3, max_size=6))
def test_whatever_a_ledger_goes_through_every_call_counts_once_and_money_ties_out(
    laid_out: Path, first: list[bytes], steps: list[tuple[Callable[[Round, Any], None], Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        ensure(home)
        shutil.copy(laid_out, home.ledger)
        round_: Round = (Ledger(home), [])
        for step, argument in [(arrive, first), *steps]:
            step(round_, argument)
            ledger, known = round_
            assert value(ledger, "SELECT count(*) FROM calls") == len(known)
            assert rows(ledger, "SELECT count(DISTINCT call_id), count(*) FROM calls") == [(len(known), len(known))]
            books.assert_ties(ledger)
            books.assert_revisions_tie(ledger)
            whole = value(ledger, SPENT.format("calls"))
            by_period = "spend_between(NULL, '2025-11-01 07:00+00'::TIMESTAMPTZ, '2026-02-02 03:00+00'::TIMESTAMPTZ)"
            assert value(ledger, SPENT.format(by_period)) + value(
                ledger, SPENT.format("calls") + " AND started_at < '2025-11-01 07:00+00'"
            ) == Decimal(whole)
