"""`meter sql`: any question, read-only.

A SELECT may join files (read_csv, read_parquet). Whatever else is asked runs without access to files, and what would write one is
refused by name: DuckDB itself would still let COPY replace the ledger's own files.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from meter.cli.app import INCOMPLETE, MeterCommand
from meter.cli.opening import reading
from meter.cli.output import format_option, note, show, strict_option
from meter.errors import QueryInvalid
from meter.ledger import cold
from meter.report import numbers, run
from meter.report.table import Result

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CURRENCIES = ("currency", "list_currency")


@click.command("sql", cls=MeterCommand)
@click.argument("statement")
@format_option
@strict_option
def command(statement: str, fmt: str, strict: bool) -> int:
    """Ask the ledger in SQL, DuckDB's. It is only read, and no file is written: for a file, --format and >.

    Views: calls, charges, outcomes, spend_daily, coverage, unmetered, unpriced, savings, cache_savings, context_cost,
    exchange_rates; in one currency calls_in('EUR') and charges_in('EUR'). A statement of - is read from stdin.

    \b
    Examples:
      meter sql "SELECT tags['team'] AS team, sum(effective_cost) AS spend
                 FROM calls GROUP BY ALL ORDER BY spend DESC"
      meter sql "SELECT * FROM unpriced" --format json
      meter sql "DESCRIBE calls"
      meter sql - --format csv < questions.sql > answer.csv
    """
    text = sys.stdin.read() if statement == "-" else statement
    if not text.strip():
        raise QueryInvalid("there is no statement", hint='for instance: meter sql "SELECT count(*) FROM calls"')
    with reading() as connection:
        _confine(connection, text)
        tables = _tables(connection, text)
        found = _ask(connection, text)
        currencies: set[str] = set()
        places = [place for place, name in enumerate(found.columns) if name.lower() in CURRENCIES]
        found.rows = _watched(found.rows, places, currencies)
        _show(connection, text, found, fmt)
        if len(currencies) > 1:
            note(f"warning: the rows mix {' and '.join(sorted(currencies))}: do not add them up")
        elif not places and _holds_money(found):
            _warn_of_mixture(connection, text, tables)
        _warn_of_missing_rates(connection, text)
        gaps = list(_gaps(connection)) if tables & PRICED else []
    if _holds_money(found) or MONEY.search(text):
        for gap in gaps:
            note(gap)
    return INCOMPLETE if strict and gaps else 0


_WRITES = re.compile(r"\b(COPY|EXPORT|ATTACH|INSTALL|LOAD)\b", re.IGNORECASE)
"""Anywhere in a statement, since EXPLAIN ANALYZE and PREPARE run others."""


def _confine(connection: DuckDBPyConnection, text: str) -> None:
    """Let a statement that is no SELECT touch no file. Raises QueryInvalid for one that is made for that."""
    import duckdb

    try:
        statements = connection.extract_statements(text)
    except duckdb.Error:
        return  # said when it runs: it does not
    others = [statement for statement in statements if statement.type != duckdb.StatementType.SELECT]
    for statement in others:
        if found := _WRITES.search(statement.query):
            raise QueryInvalid(
                f"{found[0].upper()} is refused: meter sql only reads, and writes no file",
                hint="write the answer with --format csv, json or parquet, and > FILE; a SELECT may read_csv or read_parquet",
            )
    if others:
        if files := cold.readable(connection):  # the views read them
            connection.execute("SET allowed_paths = $files", {"files": files})
        connection.execute("SET enable_external_access = false")


_GAPS = """
SELECT
    count(*) FILTER (price_status IN ('unpriced', 'partial')),
    count(*) FILTER (price_status = 'no_usage' AND status IS DISTINCT FROM 'error'),
    count(*)
FROM calls
"""
PRICED = frozenset({"calls", "charges", "spend_daily", "unit_economics", "savings", "cache_savings", "context_cost"})
MONEY = re.compile(r"cost|price|saved", re.IGNORECASE)
"""What a statement says that is about money, whatever type its answer has."""


def _ask(connection: DuckDBPyConnection, text: str) -> Result:
    import duckdb

    try:
        return run.ask(connection, text)
    except duckdb.Error as error:
        raise QueryInvalid(_first_lines(error), hint=_hint(connection, error)) from error


def _show(connection: DuckDBPyConnection, text: str, found: Result, fmt: str) -> None:
    from duckdb import ExpectedResultType

    kinds = [statement.expected_result_type for statement in connection.extract_statements(text)]
    if not found.columns or (kinds and kinds[-1] == [ExpectedResultType.NOTHING]):
        list(found.rows)
    elif list(found.columns) == ["explain_key", "explain_value"] and fmt == "table":
        for _, plan in found.rows:
            print(plan)
    else:
        show(found, fmt)


def _first_lines(error: Exception) -> str:
    """Return DuckDB's message with the place it marks, and without its guesses at internal names."""
    return "\n".join(line for line in str(error).splitlines() if line.strip())


def _hint(connection: DuckDBPyConnection, error: Exception) -> str:
    import duckdb

    words = str(error)
    if "read-only" in words:
        return "meter sql only reads; services record calls, and meter ingest writes them into the ledger"
    if isinstance(error, duckdb.CatalogException):
        names = connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal ORDER BY 1"
        )
        return f"views are: {', '.join(name for (name,) in names.fetchall())}"
    if isinstance(error, duckdb.BinderException) and "column" in words:
        return 'a view\'s columns: meter sql "DESCRIBE calls"'
    return "statements are DuckDB's SQL; meter sql --help has examples"


def _tables(connection: DuckDBPyConnection, text: str) -> frozenset[str]:
    import duckdb

    try:
        return frozenset(name.lower() for name in connection.get_table_names(text))
    except duckdb.Error:
        # Several statements, or none that selects; or a view that DuckDB runs and cannot take apart: one that joins other views,
        # or reads cold months. What is wrong shows when it runs, and a note too many does no harm.
        return frozenset(re.findall(r"\w+", text.lower()))


def _watched(rows: Any, places: Sequence[int], seen: set[str]) -> Iterator[Sequence[Any]]:
    for row in rows:
        seen.update(row[place] for place in places if isinstance(row[place], str))
        yield row


def _holds_money(found: Result) -> bool:
    return any(kind.startswith("DECIMAL") and kind.endswith((",12)", ",24)")) for kind in found.types)


def _warn_of_mixture(connection: DuckDBPyConnection, text: str, tables: frozenset[str]) -> None:
    """A sum over calls of two currencies is no money at all; a statement that names the currency knows what it does."""
    if "currency" in text.lower() or _CONVERTED.search(text) or not tables & PRICED:
        return
    known = connection.execute("SELECT DISTINCT currency FROM calls WHERE currency IS NOT NULL ORDER BY 1").fetchall()
    if len(known) > 1:
        note(f"warning: this mixes {' and '.join(name for (name,) in known)}: select or filter by currency")


_CONVERTED = re.compile(r"\b(?:calls|charges)_in\s*\(\s*'(\w+)'", re.IGNORECASE)


_UNCONVERTED = """
SELECT count(*), list_sort(list(DISTINCT own_currency)) FROM calls_in($target) WHERE price_status = 'unconverted'
"""


def _warn_of_missing_rates(connection: DuckDBPyConnection, text: str) -> None:
    """Without a rate a cost is NULL, which a sum passes over: say how many there are."""
    for target in dict.fromkeys(match.upper() for match in _CONVERTED.findall(text)):
        count, own = connection.execute(_UNCONVERTED, {"target": target}).fetchall()[0]
        if count:
            words = (
                f"warning: {numbers.plural(count, 'call')} in {' and '.join(own)} have no rate to {target} on their day"
            )
            note(f'{words}: unknown, and in no sum; see: meter sql "FROM exchange_rates"')


def _gaps(connection: DuckDBPyConnection) -> Iterator[str]:
    """Say which shares of the ledger's calls no sum of costs has, or not fully. Calls that failed without usage cost nothing."""
    ((unpriced, unmeasured, calls),) = connection.execute(_GAPS).fetchall()
    if unpriced:
        share = numbers.share(unpriced / calls)
        yield f'unpriced: {share} of the ledger\'s calls have no full price; see: meter sql "FROM unpriced"'
    if unmeasured:
        yield f"without usage: {numbers.share(unmeasured / calls)} of the ledger's calls, at unknown cost"
