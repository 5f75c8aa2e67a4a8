"""Cold months: out of the ledger's file and back, and nobody who reads notices."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest

from meter import settings
from meter.errors import LedgerLocked, MeterError
from meter.ledger import Ledger, days, exporting, ingest
from tests.ledger.months import DECEMBER, JANUARY, NOVEMBER, at, facts, filled, moved
from tests.ledger.records import call, rows, segment, value


def test_every_view_says_the_same_before_and_after_months_were_moved_and_when_they_are_back(ledger: Ledger) -> None:
    filled(ledger)
    before = facts(ledger)
    out = moved(ledger)
    assert [(one.month, one.calls) for one in out] == [(NOVEMBER, 6), (DECEMBER, 6)]
    assert facts(ledger) == before
    assert rows(ledger, "SELECT count(*), (SELECT count(*) FROM ledger.raw_usage) FROM ledger.calls") == [(6, 1)]
    for month in (DECEMBER, NOVEMBER):
        back = exporting.bring_back(ledger, month)
        assert (back.calls, back.path.exists()) == (6, False)
        assert facts(ledger) == before
    assert rows(ledger, "SELECT count(*), (SELECT count(*) FROM ledger.raw_usage) FROM ledger.calls") == [(18, 3)]
    assert value(ledger, "SELECT count(*) FROM ledger.cold_months") == 0
    with ledger.reading() as con:
        assert "read_parquet" not in str(con.execute("SELECT list(sql) FROM duckdb_views()").fetchall())


def test_a_month_is_one_file_in_order_with_the_types_of_the_ledger(ledger: Ledger) -> None:
    filled(ledger)
    types = rows(ledger, "SELECT column_name, column_type FROM (DESCRIBE ledger.calls)")
    path = moved(ledger)[0].path
    assert (path.parent, path.stat().st_mode & 0o777) == (ledger.home.path / "cold", 0o600)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        file = f"read_parquet('{path}')"
        assert con.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM {file})").fetchall() == [
            *types,
            ("raw", "VARCHAR"),
        ]
        times = [str(time) for (time,) in con.execute(f"SELECT started_at FROM {file}").fetchall()]
        assert times == sorted(times)
        codecs = con.execute(f"SELECT DISTINCT compression FROM parquet_metadata('{path}')").fetchall()
        assert codecs == [("ZSTD",)]


def test_what_was_moved_is_written_down_to_the_last_digit(ledger: Ledger) -> None:
    filled(ledger)
    known = rows(
        ledger, "SELECT count(*), min(id), max(id), sum(list_cost) FROM ledger.calls WHERE started_at < '2025-12-01'"
    )
    moved(ledger)
    noted = "SELECT calls, min_id, max_id, sums['list_cost'] FROM ledger.cold_months WHERE month = '2025-11-01'"
    assert rows(ledger, noted) == known
    assert value(ledger, "SELECT effective_cost['USD'] = sums['list_cost'] FROM ledger.cold_months LIMIT 1")


def test_months_are_those_of_the_ledgers_time_zone(ledger: Ledger) -> None:
    ledger.home.config.write_text("[period]\ntimezone = 'Asia/Tokyo'")
    segment(ledger.home, call(at("2025-11-30T14:59:59")), call(at("2025-11-30T15:00:00")))
    ingest(ledger)
    assert [(one.month, one.calls) for one in moved(ledger)] == [(NOVEMBER, 1), (DECEMBER, 1)]


def test_a_month_that_is_not_over_is_refused(ledger: Ledger) -> None:
    filled(ledger)
    for attempt in (exporting.move_out, exporting.copy_out):
        with pytest.raises(MeterError, match="is not over") as caught:
            list(attempt(ledger, ledger.home.path / "cold", date(9998, 1, 1)))
        assert caught.value.hint is not None and "--before" in caught.value.hint
    assert value(ledger, "SELECT count(*) FROM ledger.calls") == 18


def test_a_month_is_moved_once_and_calls_that_come_late_stay_and_count(ledger: Ledger) -> None:
    filled(ledger)
    moved(ledger)
    assert moved(ledger) == []
    segment(ledger.home, call(at("2025-11-05T00:00:00")))
    ingest(ledger)
    assert moved(ledger) == []
    assert value(ledger, "SELECT count(*) FROM calls WHERE started_at < '2025-12-01'") == 7
    with ledger.reading() as con:
        assert exporting.staying(con, JANUARY) == [exporting.Staying(NOVEMBER, 1, is_cold=True)]
    exporting.bring_back(ledger, NOVEMBER)
    assert [(one.month, one.calls) for one in moved(ledger)] == [(NOVEMBER, 7)]


def test_a_segment_that_is_read_again_is_known_though_its_calls_are_cold(ledger: Ledger) -> None:
    written = filled(ledger)
    before = facts(ledger)
    moved(ledger)
    segment(ledger.home, *written, call(at("2025-12-24T18:00:00")))
    done = ingest(ledger)
    assert (done.duplicates, done.calls, done.outcomes) == (len(written), 1, 0)
    assert value(ledger, "SELECT count(*) FROM calls") == 19
    with ledger.writing() as con:
        con.execute("DELETE FROM ledger.calls WHERE started_at = '2025-12-24 18:00:00+00'")
        days.renew(con, [date(2025, 12, 1)])
    assert facts(ledger) == before


def test_only_files_whose_ids_are_near_are_asked(ledger: Ledger) -> None:
    december = filled(ledger)[7:14]
    moved(ledger)[0].path.unlink()
    segment(ledger.home, *december, call(at("2026-02-01T00:00:00")))
    assert ingest(ledger).duplicates == 7


def test_a_month_that_another_moves_meanwhile_is_passed_over(ledger: Ledger) -> None:
    filled(ledger)
    before = facts(ledger)
    slow = exporting.move_out(ledger, ledger.home.path / "cold", JANUARY)
    assert next(slow).month == NOVEMBER
    assert [one.month for one in moved(ledger)] == [DECEMBER]
    assert list(slow) == []
    assert facts(ledger) == before


def test_raw_usage_with_a_limit_stays_where_its_days_are_counted(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(ledger)
    before = facts(ledger)
    monkeypatch.setenv("METER_RAW_DAYS", "1000000")
    settings.reset()
    moved(ledger)
    assert value(ledger, "SELECT count(*) FROM ledger.raw_usage") == 3
    assert facts(ledger) == before
    exporting.bring_back(ledger, NOVEMBER)
    assert facts(ledger) == before


def test_while_a_month_moves_others_wait(ledger: Ledger) -> None:
    filled(ledger)
    refused = []

    def step(name: str) -> None:
        with pytest.raises(LedgerLocked), Ledger(ledger.home).reading(timeout_s=0):
            pass
        refused.append(name)

    list(exporting.move_out(ledger, ledger.home.path / "cold", DECEMBER, step=step))
    assert refused == ["begun", "written", "verified", "renamed", "moved", "folded"]


WRITERS = (
    *(f"meter/ledger/{name}.py" for name in ("rows", "store", "cold", "exporting", "compaction", "tidying")),
    "meter/ledger/repricing/",
    *(f"meter/ledger/migrations/{name}.sql" for name in ("0001_ledger", "0003_contracts", "0004_growth")),
)
"""Whose business the table itself is; all others read ledger.all_calls."""


def test_whoever_reads_calls_reads_the_cold_ones_too() -> None:
    root = Path(__file__).parents[2]
    files = [
        path
        for name in ("meter", "queries", "exporters")
        for path in (root / name).rglob("*")
        if path.suffix in {".sql", ".py"}
    ]
    found = {
        str(path.relative_to(root))
        for path in files
        if re.search(r"(FROM|JOIN) ledger\.(calls|raw_usage)\b", path.read_text())
    }
    assert {name for name in found if not name.startswith(WRITERS)} == set()
    assert any(name.startswith(WRITERS) for name in found)
