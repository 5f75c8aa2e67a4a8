"""Batches of calls without a spool: the price book in memory, and `fresh` filled from Python."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import duckdb

from meter import pricing
from meter.ledger import migrate
from meter.names import USUAL_CLASSES

NOON = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)

_TEXTS = (
    *("provider", "server", "account", "project", "region", "deployment", "api", "operation", "request_model"),
    *("response_model", "tier", "requested_tier", "source", "status", "reported_currency"),
)
FRESH = dict.fromkeys(_TEXTS, "VARCHAR") | {
    "id": "UUID",
    "started_at": "TIMESTAMPTZ",
    "context": "MAP(VARCHAR, VARCHAR)",
    "usage": "MAP(VARCHAR, DECIMAL(24, 6))",
    "reported_cost": "DECIMAL(26, 12)",
    "sent_chars": "BIGINT",
    "seen_chars": "BIGINT",
}
"""The columns of `fresh`, as the ledger fills them."""

_READ = f"""
CREATE OR REPLACE TEMP TABLE calls_given AS
SELECT unnest(from_json($rows, '[{json.dumps(FRESH)}]'), recursive := true)
"""
_FILL = f"""
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT * REPLACE (CASE WHEN NOT plain THEN usage END AS usage)
FROM (
    SELECT
        *,
        $columns AND coalesce(list_bool_and(list_transform(
            map_entries(usage), lambda e: list_contains($usual, e.key) AND e.value % 1 = 0
        )), true) AS plain,
        struct_pack({", ".join(f"{name} := usage['{name}']::BIGINT" for name in USUAL_CLASSES)}) AS counts
    FROM calls_given
)
"""
_LINES = """
CREATE OR REPLACE TEMP TABLE stored AS
SELECT
    fresh.id, fresh.started_at, priced.rate_card_id, priced.contract_card_id,
    map_concat(
        coalesce(CASE WHEN plain THEN usual_usage(counts) ELSE usage END, MAP {}), coalesce(priced.estimated_usage, MAP {})
    ) AS usage
FROM fresh
JOIN priced USING (id)
"""

Call = Mapping[str, Any]
Row = dict[str, Any]


def empty_book(path: str = ":memory:") -> duckdb.DuckDBPyConnection:
    """Return a ledger that is laid out, with an empty price book."""
    con = open_book(path)
    con.execute("CREATE SCHEMA ledger")
    for migration in migrate.known():
        con.execute(migration.sql)
    return con


def open_book(path: str) -> duckdb.DuckDBPyConnection:
    """Return a connection as the ledger makes them."""
    con = duckdb.connect(path)
    con.execute("SET TimeZone = 'UTC'")
    return con


def call(model: str | None = "gpt-4o-mini", provider: str | None = "openai", **fields: Any) -> Row:
    """Return a call as `fresh` has it."""
    usage = fields.pop("usage", None)
    started_at: datetime = fields.pop("started_at", NOON)
    return {
        "id": str(uuid.uuid4()),
        "started_at": started_at.isoformat(),
        "provider": provider,
        "response_model": model,
        "source": "reported" if usage else "missing",
        "status": "ok",
        "usage": usage and {name: str(count) for name, count in usage.items()},
        **{name: str(value) if name == "reported_cost" else value for name, value in fields.items()},
    }


def price_calls(con: duckdb.DuckDBPyConnection, calls: Sequence[Call]) -> list[Row]:
    """Price the calls, and return the row of each, in order."""
    price_table(con, calls)
    rows = {row["id"]: row for row in dicts(con, "SELECT * FROM priced")}
    return [rows[uuid.UUID(call["id"])] for call in calls]


def price_table(con: duckdb.DuckDBPyConnection, calls: Sequence[Call]) -> None:
    """Price the calls into the table `priced`. Usage as a map and usage in columns must come to the same."""
    con.execute(_READ, {"rows": json.dumps(list(calls))})
    _price(con, columns=False)
    con.execute("CREATE OR REPLACE TEMP TABLE priced_by_maps AS FROM priced")
    _price(con, columns=True)
    assert con.execute("SELECT count(*) FROM priced").fetchall() == [(len(calls),)]
    assert (
        con.execute(
            "(FROM priced EXCEPT FROM priced_by_maps) UNION ALL (FROM priced_by_maps EXCEPT FROM priced)"
        ).fetchall()
        == []
    )
    con.execute(_LINES)


def _price(con: duckdb.DuckDBPyConnection, *, columns: bool) -> None:
    con.execute(_FILL, {"columns": columns, "usual": list(USUAL_CLASSES)})
    pricing.price(con)


def price_one(con: duckdb.DuckDBPyConnection, *args: Any, **fields: Any) -> Row:
    """Price one call, described as for `call`."""
    (row,) = price_calls(con, [call(*args, **fields)])
    return row


def charges(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the charges of the batch that was priced last, through the macro behind the view `charges`."""
    return dicts(con, "SELECT * FROM ledger.usage_lines('stored')")


def dicts(con: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    """Return the rows of a query by column name."""
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
