"""Cold months whose file is away, lost, or not the one that was written."""

from __future__ import annotations

import shutil

import duckdb
import pytest

from meter.errors import ColdFileMissing, MeterError
from meter.ledger import Ledger, connect, exporting, ingest, migrate, views
from tests.ledger.months import DECEMBER, NOVEMBER, facts, filled, moved
from tests.ledger.records import rows, segment, value


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
