"""Cold months: out of the ledger's file and back, and nobody who reads notices."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from meter import settings
from meter.errors import ColdFileMissing, LedgerLocked, MeterError
from meter.home import Home, ensure
from meter.ledger import Ledger, cold, connect, days, exporting, ingest, migrate, views
from meter.ledger.cold import ColdMonth
from tests.ledger.months import MONTHS, at, facts, filled
from tests.ledger.records import call, rows, segment, value

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
NOVEMBER, DECEMBER = date(2025, 11, 1), date(2025, 12, 1)


def moved(ledger: Ledger, before: date = JANUARY, folder: Path | None = None) -> list[exporting.Moved]:
    return list(exporting.move_out(ledger, folder or ledger.home.path / "cold", before))


def cold_months(ledger: Ledger) -> list[ColdMonth]:
    with ledger.writing() as con:
        return cold.months(con)


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


def test_a_missing_file_is_named_with_the_way_out_to_all_who_need_it(ledger: Ledger) -> None:
    november = filled(ledger)[:7]
    path = moved(ledger)[0].path
    kept = path.read_bytes()
    path.unlink()
    segment(ledger.home, *november)
    for attempt in (
        lambda: value(ledger, "SELECT count(*) FROM calls"),
        lambda: connect(ledger.home),
        lambda: ingest(ledger),  # nobody knows which calls were counted
        lambda: exporting.bring_back(ledger, NOVEMBER),
    ):
        with pytest.raises(ColdFileMissing) as caught:
            attempt()
        assert str(path) in caught.value.message and "\n" not in caught.value.message
        assert caught.value.hint is not None and "meter export --forget 2025-11" in caught.value.hint
    path.write_bytes(kept[:-1])
    with pytest.raises(ColdFileMissing, match="bytes instead of"):
        value(ledger, "SELECT count(*) FROM calls")
    path.write_bytes(kept)
    assert ingest(ledger).duplicates == 7
    assert value(ledger, "SELECT count(*) FROM calls") == 18


def test_months_move_and_return_while_the_file_of_another_is_missing(ledger: Ledger) -> None:
    filled(ledger)
    before = facts(ledger)
    first, second = moved(ledger)
    away = first.path.rename(first.path.with_name("away"))
    assert exporting.bring_back(ledger, DECEMBER).path == second.path
    with pytest.raises(ColdFileMissing, match="2025-11"):
        facts(ledger)
    assert [one.month for one in moved(ledger)] == [DECEMBER]
    away.rename(first.path)
    assert facts(ledger) == before


def test_a_month_that_another_moves_meanwhile_is_passed_over(ledger: Ledger) -> None:
    filled(ledger)
    before = facts(ledger)
    slow = exporting.move_out(ledger, ledger.home.path / "cold", JANUARY)
    assert next(slow).month == NOVEMBER
    assert [one.month for one in moved(ledger)] == [DECEMBER]
    assert list(slow) == []
    assert facts(ledger) == before


def test_a_month_whose_file_is_lost_can_be_given_up_and_no_other(ledger: Ledger) -> None:
    filled(ledger)
    first, second = moved(ledger)
    with pytest.raises(MeterError, match="is there, so its calls are not lost"):
        exporting.forget(ledger, NOVEMBER)
    first.path.unlink()
    second.path.unlink()
    assert exporting.forget(ledger, NOVEMBER).calls == 6
    with pytest.raises(ColdFileMissing, match="2025-12"):
        value(ledger, "SELECT count(*) FROM calls")
    exporting.forget(ledger, DECEMBER)
    assert value(ledger, "SELECT count(*) FROM calls") == 6
    with pytest.raises(MeterError, match="2025-12 was not moved out") as caught:
        exporting.forget(ledger, DECEMBER)
    assert caught.value.hint == "months that were: none"


def test_a_file_of_the_right_size_with_other_content_is_not_taken_back(ledger: Ledger) -> None:
    filled(ledger)
    first, second = moved(ledger)
    with ledger.writing() as con:
        con.execute("UPDATE ledger.cold_months SET bytes = ? WHERE month = '2025-11-01'", [second.path.stat().st_size])
    shutil.copy(second.path, first.path)
    with pytest.raises(MeterError, match="is not what was written"):
        exporting.bring_back(ledger, NOVEMBER)


@pytest.mark.parametrize("noted", [True, False], ids=["digest", "of an older Meter"])
def test_a_file_with_other_tokens_but_the_same_costs_is_not_taken_back(ledger: Ledger, noted: bool) -> None:
    filled(ledger)
    path = moved(ledger)[0].path
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE edited AS SELECT * REPLACE (output + 1 AS output) FROM '{path}'")
        con.execute(f"COPY edited TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    with ledger.writing() as con:
        size = path.stat().st_size
        con.execute("UPDATE ledger.cold_months SET bytes = ? WHERE month = '2025-11-01'", [size])
        if not noted:
            con.execute("UPDATE ledger.cold_months SET digest = NULL")
    if not noted:  # costs are all that was written down
        assert exporting.bring_back(ledger, NOVEMBER).calls == 6
        return
    with pytest.raises(MeterError, match="as many bytes, but not the same") as caught:
        exporting.bring_back(ledger, NOVEMBER)
    assert caught.value.hint is not None and "meter export --forget 2025-11" in caught.value.hint
    assert path.exists()
    assert value(ledger, "SELECT count(*) FROM ledger.calls") == 6


def test_a_home_that_has_moved_takes_its_cold_months_along(ledger: Ledger, tmp_path: Path) -> None:
    filled(ledger)
    moved(ledger)
    before = facts(ledger)
    there = Ledger(Home(tmp_path / "there"))
    ledger.home.path.rename(there.home.path)
    assert facts(there) == before
    with duckdb.connect(str(there.home.ledger), read_only=True) as con:  # any tool finds them there, too
        assert con.execute("SELECT count(*) FROM calls").fetchall() == [(18,)]


def test_who_may_only_read_a_home_that_has_moved_reads_it_all(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(ledger)
    moved(ledger)
    before = facts(ledger)
    there = Ledger(Home(tmp_path / "there"))
    ledger.home.path.rename(there.home.path)
    monkeypatch.setattr(Home, "may_write_ledger", False)
    assert facts(there) == before
    with connect(there.home) as con:
        assert con.execute("SELECT count(*) FROM calls").fetchall() == [(18,)]


def test_a_connection_that_stays_open_follows_months_that_move(ledger: Ledger) -> None:
    filled(ledger)
    with connect(ledger.home) as con:

        def count() -> object:
            try:
                return con.execute("SELECT count(*), sum(list_cost) FROM calls").fetchall()
            finally:
                con._detach()  # as it does by itself after a second

        before = count()
        moved(ledger, DECEMBER)
        assert count() == before
        moved(ledger)
        assert count() == before
        exporting.bring_back(ledger, NOVEMBER)
        assert count() == before


def test_the_schema_can_change_while_a_file_is_missing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(ledger)
    path = moved(ledger)[0].path
    before = facts(ledger)
    kept = path.rename(path.with_name("away"))
    sql = "ALTER TABLE ledger.calls ADD COLUMN more VARCHAR; CREATE VIEW ledger.over AS SELECT id, more FROM ledger.all_calls"
    added = migrate.Migration(len(migrate.known()) + 1, "added", sql)
    known = migrate.known()
    monkeypatch.setattr(migrate, "known", lambda: (*known, added))
    with ledger.writing():
        pass
    with pytest.raises(ColdFileMissing):
        facts(ledger)
    kept.rename(path)
    assert [len(answer) for answer in facts(ledger)] == [len(answer) for answer in before]
    assert facts(ledger)[:-1] == before[:-1]
    assert rows(ledger, "SELECT count(*), count(more) FROM ledger.over") == [(18, 0)]
    exporting.bring_back(ledger, NOVEMBER)
    assert facts(ledger)[:-1] == before[:-1]


def test_a_folder_elsewhere_and_one_whose_name_is_a_pattern_are_read(ledger: Ledger, tmp_path: Path) -> None:
    filled(ledger)
    before = facts(ledger)
    moved(ledger, folder=tmp_path / "it's [0-9]*?")
    assert facts(ledger) == before
    assert {one.path.parent.name for one in cold_months(ledger)} == {"it's [0-9]*?"}
    exporting.bring_back(ledger, NOVEMBER)
    assert facts(ledger) == before


def test_two_ledgers_may_share_a_folder(ledger: Ledger, laid_out: Path, tmp_path: Path) -> None:
    other = Ledger(Home(tmp_path / "other"))
    ensure(other.home)
    shutil.copy(laid_out, other.home.ledger)
    for one in (ledger, other):
        filled(one)
    both = [facts(ledger), facts(other)]
    for one in (ledger, other):
        moved(one, folder=tmp_path / "archive")
    assert [facts(ledger), facts(other)] == both


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


def test_a_copy_is_the_view_and_leaves_the_ledger_as_it_is(ledger: Ledger, tmp_path: Path) -> None:
    filled(ledger)
    moved(ledger, DECEMBER)
    before = facts(ledger)
    copies = list(exporting.copy_out(ledger, tmp_path / "copies", FEBRUARY))
    assert [one.path.name for one in copies] == [f"calls-{month}.parquet" for month in MONTHS]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        assert con.execute(f"FROM '{tmp_path}/copies/*.parquet' ORDER BY ALL").fetchall() == before[0]
    assert facts(ledger) == before
    with pytest.raises(MeterError, match="is there already"):
        list(exporting.copy_out(ledger, tmp_path / "copies", FEBRUARY))


def test_a_folder_that_takes_nothing_leaves_the_ledger_as_it_was(ledger: Ledger, tmp_path: Path) -> None:
    filled(ledger)
    before = facts(ledger)
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        moved(ledger, folder=tmp_path / "file")
    with pytest.raises(MeterError, match="cannot be written"):
        moved(ledger, folder=Path("/proc/self"))
    assert facts(ledger) == before
    assert [one.calls for one in moved(ledger)] == [6, 6]
    assert sorted((ledger.home.path / "cold").iterdir()) == sorted(one.path for one in cold_months(ledger))


def test_while_a_month_moves_others_wait(ledger: Ledger) -> None:
    filled(ledger)
    refused = []

    def step(name: str) -> None:
        with pytest.raises(LedgerLocked), Ledger(ledger.home).reading(timeout_s=0):
            pass
        refused.append(name)

    list(exporting.move_out(ledger, ledger.home.path / "cold", DECEMBER, step=step))
    assert refused == ["begun", "written", "verified", "renamed", "moved", "folded"]


def test_views_that_cannot_be_made_over_a_missing_file_are_made_when_it_is_back(ledger: Ledger) -> None:
    filled(ledger)
    path = moved(ledger)[0].path
    before = facts(ledger)
    with ledger.writing() as con:
        con.execute("UPDATE ledger.view_digests SET digest = 'of an older Meter'")
    path.rename(path.with_name("away"))
    with ledger.writing() as con:
        assert not views.are_installed(con)
    path.with_name("away").rename(path)
    assert facts(ledger) == before


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
