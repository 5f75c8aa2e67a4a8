"""Cold months wherever their folder lies: homes that move, folders elsewhere, connections that stay open, copies."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from meter.errors import MeterError
from meter.home import Home, ensure
from meter.ledger import Ledger, connect, exporting
from tests.ledger.months import DECEMBER, FEBRUARY, MONTHS, NOVEMBER, cold_months, facts, filled, moved


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
