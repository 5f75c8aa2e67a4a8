"""Ledgers as earlier schemas wrote them: brought up to date, they say what they said."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meter.home import Home, ensure
from meter.ledger import Ledger, exporting, ingest, migrate
from meter.ledger.compaction import compact
from tests.ledger.records import call, rows, segment, value

FOLDER = Path(__file__).parents[1] / "data" / "ledgers"
FILES = sorted(FOLDER.glob("*.duckdb.gz"))
KNOWN = {"0002": (14, Decimal("1.901024620123"))}
"""Calls of each file, and the sum of their effective costs."""
VIEWS = ("calls", "charges", "outcomes", "spend_daily", "coverage", "cache_savings", "unpriced")
TABLES = ("raw_usage", "tag_sets", "outcomes", "processes", "dead_letters", "checkpoints", "ingested", "catalogues")

Said = dict[str, tuple[list[str], list[Any]]]


def unpacked(file: Path, home: Home) -> Ledger:
    ensure(home)
    home.ledger.write_bytes(gzip.decompress(file.read_bytes()))
    return Ledger(home)


def as_written(path: Path) -> Said:
    """Return what the file says by its own views, before any Meter has touched it."""
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        said: Said = {}
        for name in [*VIEWS, *(f"ledger.{table}" for table in TABLES), "ledger.calls", "ledger.rate_cards"]:
            columns = [column for column, *_ in con.execute(f"DESCRIBE {name}").fetchall()]
            said[name] = (columns, asked(con, name, columns))
        return said


def asked(con: Any, name: str, columns: list[str]) -> list[Any]:
    return list(con.execute(f"SELECT {', '.join(columns)} FROM {name} ORDER BY ALL").fetchall())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_ledger_of_an_earlier_schema_says_what_it_said(file: Path, home: Home) -> None:
    ledger = unpacked(file, home)
    said = as_written(home.ledger)
    schema = file.name[:4]
    with ledger.reading() as con:
        assert migrate.version(con) == migrate.known()[-1].version
        for name, (columns, answer) in said.items():
            if name == "ledger.rate_cards":  # the catalogue installed here may add some
                columns, ids = [*columns], [row[columns.index("rate_card_id")] for row in answer]
                now = [row for row in asked(con, name, columns) if row[columns.index("rate_card_id")] in ids]
            elif name == "ledger.catalogues":
                now = asked(con, name, columns)[: len(answer)]
            else:
                now = asked(con, name, columns)
            assert now == answer, name
        total = con.execute("SELECT count(*), sum(effective_cost) FROM calls").fetchall()
        assert total == [KNOWN[schema]]
        assert con.execute("SELECT sum(effective_cost) FROM charges").fetchall() == [(total[0][1],)]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_goes_on_from_there(file: Path, home: Home) -> None:
    ledger = unpacked(file, home)
    calls, cost = KNOWN[file.name[:4]]
    segment(home, call())
    assert ingest(ledger).calls == 1
    compact(ledger)
    with ledger.reading() as con:
        ((newest,),) = con.execute(
            "SELECT date_trunc('month', max(started_at) + INTERVAL 1 MONTH)::DATE FROM calls"
        ).fetchall()
        ((is_over,),) = con.execute("SELECT ? <= current_date", [newest]).fetchall()
    if is_over:
        assert sum(one.calls for one in exporting.move_out(ledger, home.path / "cold", newest)) == calls + 1
    assert rows(ledger, "SELECT count(*), sum(effective_cost) FROM calls") == [(calls + 1, cost + Decimal("0.00024"))]


def test_there_is_a_file_of_each_schema_that_is_known_here() -> None:
    assert {file.name[:4] for file in FILES} == KNOWN.keys()


def test_a_catalogue_from_the_future_changes_nothing(ledger: Ledger) -> None:
    with ledger.writing() as con:
        con.execute(
            "UPDATE ledger.catalogues SET edition = edition + 1000, version = '999.0.0', digest = 'of a later package'"
        )
        con.execute("UPDATE ledger.rate_cards SET edition = edition + 1000, digest = 'of a later package'")
    before = [
        value(ledger, "SELECT count(*) FROM ledger.rate_cards"),
        rows(ledger, "FROM ledger.catalogues ORDER BY ALL"),
    ]
    segment(ledger.home, call())
    ingest(ledger)
    assert [
        value(ledger, "SELECT count(*) FROM ledger.rate_cards"),
        rows(ledger, "FROM ledger.catalogues ORDER BY ALL"),
    ] == before
    assert value(ledger, "SELECT effective_cost FROM calls") == Decimal("0.00024")
