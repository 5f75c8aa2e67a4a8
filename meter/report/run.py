"""Run a report's statement, and tell what its figures leave out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from meter.errors import QueryInvalid
from meter.ledger.interruptible import interruptible
from meter.queries import Query, get
from meter.report.period import Period
from meter.report.table import Result

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BATCH = 1000
UNTAGGED = "(untagged)"

_DIMENSION = re.compile(r"^\s*WHEN '(\w+)' THEN ", re.MULTILINE)


def run(
    connection: DuckDBPyConnection, query: Query, period: Period, values: Mapping[str, Any] | None = None
) -> Result:
    """Run a query over a period. Raises QueryInvalid when its parameters, or what it finds, do not fit."""
    import duckdb

    bounds = {name: bound for name, bound in period.bounds().items() if name in {param.name for param in query.params}}
    bound = query.bind({**bounds, **(values or {})})
    _refuse_others(connection, query, bound.get("by", ()))
    try:
        return ask(connection, query.sql, bound, query.title)
    except duckdb.InvalidInputException as error:  # what a statement's own error(…) says
        options = [f"--param {param.name}=…: {param.help}" for param in query.params if param.optional]
        words = str(error).removeprefix("Invalid Input Error: ").split("\n")[0]
        raise QueryInvalid(words, hint="; ".join(options) or None) from error


def dimensions(query: Query) -> list[str]:
    """Return the columns that a query can group by: those its statement knows; any other name is a tag's key."""
    return _DIMENSION.findall(query.sql)


def _refuse_others(connection: DuckDBPyConnection, query: Query, by: Sequence[str]) -> None:
    """Refuse a column of calls that is none of the dimensions: taken for a tag, it would put all calls under none."""
    known = dimensions(query)
    columns = (
        {str(name) for name, *_ in connection.execute("DESCRIBE calls").fetchall()} if set(by) - set(known) else set()
    )
    if refused := [name for name in by if name in columns and name not in known]:
        raise QueryInvalid(
            f"spend is not grouped by {refused[0]!r}, a column of calls",
            hint=f"columns to group by are {', '.join(known)}; any other name is the key of a tag",
        )


def ask(
    connection: DuckDBPyConnection, statement: str, values: Mapping[str, Any] | None = None, title: str | None = None
) -> Result:
    """Run any statement; its rows come as they are taken. Ctrl-C ends it wherever it is."""
    cursor = interruptible(connection, lambda: connection.execute(statement, dict(values) if values else None))
    fields = cursor.description or []
    return Result([name for name, *_ in fields], [str(kind) for _, kind, *_ in fields], _rows(cursor), title)


def rows(connection: DuckDBPyConnection, report: str, period: Period, **values: Any) -> list[dict[str, Any]]:
    """Return a report's rows as dictionaries, for screens that put several together."""
    result = run(connection, get("reports", report), period, values)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def spend(connection: DuckDBPyConnection, period: Period, by: Sequence[str], currency: str | None = None) -> Result:
    """Return the spend of a period with one column for each thing that it is grouped by."""
    found = run(connection, get("reports", "spend"), period, {"by": list(by), "report_currency": currency})
    place = list(found.columns).index("keys")
    found.rows = [[*row[:place], *row[place], *row[place + 1 :]] for row in found.rows]
    found.columns = [*found.columns[:place], *by, *found.columns[place + 1 :]]
    found.types = [*found.types[:place], *["VARCHAR"] * len(by), *found.types[place + 1 :]]
    return found


def untagged(found: Result, by: Sequence[str]) -> list[str]:
    """Return the names that `spend` took for tags and that no call has: a slip of the pen, most likely."""
    rows = list(found.rows)
    return [name for place, name in enumerate(by) if rows and all(row[place] == UNTAGGED for row in rows)]


def _rows(cursor: DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while batch := interruptible(cursor, lambda: cursor.fetchmany(BATCH)):
        yield from batch
