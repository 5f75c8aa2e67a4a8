"""Compaction: the same ledger in a smaller file, in the order of time."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from meter import settings
from meter.errors import LedgerLocked, MeterError
from meter.ledger import Ledger, compaction, connect, ingest
from meter.ledger.compaction import compact
from meter.ledger.store import wal_of
from tests.ledger.months import MONTHS, facts, filled, lines
from tests.ledger.records import TS, call, rows, segment, value

DAY_US = 86_400_000_000


def described(ledger: Ledger) -> list[Any]:
    """Return every table with its size, and every view and macro with its words: the order of some says nothing."""
    worded = (
        "SELECT view_name, comment, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
        "SELECT function_name, comment, macro_definition FROM duckdb_functions() WHERE NOT internal ORDER BY ALL",
    )
    return [
        *rows(ledger, "SELECT schema_name, table_name, estimated_size, sql FROM duckdb_tables() ORDER BY ALL"),
        *(
            (name, comment, sorted(re.findall(r"\w+", words)))
            for query in worded
            for name, comment, words in rows(ledger, query)
        ),
    ]


def test_the_file_is_smaller_and_holds_the_same(ledger: Ledger) -> None:
    filled(ledger)
    with ledger.writing() as con:
        con.execute("CREATE TABLE ledger.waste AS SELECT hash(i) AS a, hash(a) AS b FROM range(600000) AS r(i)")
        con.execute("CHECKPOINT")
        con.execute("DROP TABLE ledger.waste")
    before = facts(ledger)
    catalog = described(ledger)
    mode = stat.S_IMODE(ledger.home.ledger.stat().st_mode)
    done = compact(ledger)
    assert done.before_bytes > done.after_bytes + (8 << 20)
    assert done.after_bytes == ledger.home.ledger.stat().st_size
    assert facts(ledger) == before
    assert described(ledger) == catalog
    assert stat.S_IMODE(ledger.home.ledger.stat().st_mode) == mode
    assert (
        value(ledger, "SELECT tags::VARCHAR FROM duckdb_databases() WHERE database_name = 'meter'").find("v1.5.0") > 0
    )


def test_what_is_only_in_the_wal_is_in_the_new_file_once(ledger: Ledger) -> None:
    filled(ledger)
    assert wal_of(ledger.home.ledger).stat().st_size > 0
    before = facts(ledger)
    compact(ledger)
    assert not wal_of(ledger.home.ledger).exists()
    assert facts(ledger) == before
    segment(ledger.home, call())
    assert ingest(ledger).calls == 1
    assert value(ledger, "SELECT count(*) FROM ledger.calls") == 19


def test_rows_are_in_the_order_of_time_whatever_order_they_came_in(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "SLICE_ROWS", 7)
    for day in (9, 2, 14, 5, 11, 3):
        segment(ledger.home, *(call(TS + day * DAY_US + n, raw={"day": day}) for n in range(5)))
        ingest(ledger)
    assert rows(ledger, "SELECT rowid FROM ledger.calls ORDER BY started_at") != [(n,) for n in range(30)]
    raw = rows(ledger, "FROM ledger.raw_usage ORDER BY id")
    heard: list[tuple[int, int]] = []
    compact(ledger, progress=lambda done, total: heard.append((done, total)))
    assert rows(ledger, "SELECT rowid FROM ledger.calls ORDER BY started_at, id") == [(n,) for n in range(30)]
    assert rows(ledger, "FROM ledger.raw_usage") == raw
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert heard[-1][0] == heard[-1][1]


def test_raw_usage_stays_compressed_as_it_was_declared(ledger: Ledger) -> None:
    segment(ledger.home, *(call(TS + n, raw={"prompt_tokens": n}) for n in range(3000)))
    ingest(ledger)
    compact(ledger)
    with ledger.writing() as con:
        kinds = con.execute(
            "SELECT DISTINCT compression FROM pragma_storage_info('ledger.raw_usage')"
            " WHERE column_name = 'raw' AND segment_type = 'VARCHAR'"
        ).fetchall()
    assert kinds == [("ZSTD",)]


def test_without_room_it_does_not_begin(ledger: Ledger) -> None:
    filled(ledger)
    before = facts(ledger)
    with pytest.raises(MeterError, match=r"no room to write the ledger anew: .* has 10 MiB free of the") as caught:
        compact(ledger, free=lambda _: 10 << 20)
    assert caught.value.hint is not None and "free room" in caught.value.hint
    assert facts(ledger) == before


def test_a_new_file_that_differs_never_takes_the_place(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(ledger)
    before = facts(ledger)
    whole = compaction._parts
    monkeypatch.setattr(compaction, "_parts", lambda *given: [f"FROM ({part}) LIMIT 5" for part in whole(*given)])
    with pytest.raises(MeterError, match=r"the new file is not what was written: ledger\.\w+ differs"):
        compact(ledger)
    assert facts(ledger) == before
    assert not list(ledger.home.path.glob("*.compact*"))


def test_a_store_that_is_a_link_stays_one(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(ledger)
    before = facts(ledger)
    with ledger.writing() as con:
        con.execute("FORCE CHECKPOINT")
    real = tmp_path / "elsewhere"
    real.mkdir()
    ledger.home.ledger.rename(real / "real.duckdb")
    ledger.home.ledger.symlink_to(real / "real.duckdb")
    settings.reset()
    compact(ledger)
    assert ledger.home.ledger.is_symlink()
    assert facts(ledger) == before


def test_an_open_notebook_reads_the_new_file(ledger: Ledger) -> None:
    filled(ledger)
    with connect(ledger.home) as con:
        before = con.execute("FROM calls ORDER BY ALL").fetchall()
        con._detach()
        compact(ledger)
        assert con.execute("FROM calls ORDER BY ALL").fetchall() == before


def test_while_it_works_nobody_else_comes_in(ledger: Ledger) -> None:
    segment(ledger.home, *lines(MONTHS[0]))
    ingest(ledger)

    def step(_name: str) -> None:
        with pytest.raises(LedgerLocked), Ledger(ledger.home).writing(timeout_s=0):
            pass

    compact(ledger, step=step)
