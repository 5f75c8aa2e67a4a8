"""What the ledger answers, as of a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import duckdb

from tests.monthly.facts import Rule, Use, fill, utc
from tests.monthly.oracle import Line
from tests.pricing.batches import Row, dicts

NOW = utc("2026-06-10T12:00:00.5")


def ask(con: duckdb.DuckDBPyConnection, what: str, now: datetime = NOW) -> list[Row]:
    """Return the rows of `ledger.<what>_at`."""
    return dicts(con, f"FROM ledger.{what}_at('{now.isoformat()}'::TIMESTAMPTZ)")


def adjustments(
    con: duckdb.DuckDBPyConnection,
    rules: Sequence[Rule],
    uses: Sequence[Use] = (),
    now: datetime = NOW,
    zone: str = "UTC",
) -> list[Row]:
    """Return the adjustments of these contracts and calls, by month and kind."""
    con.execute(f"SET TimeZone = '{zone}'")
    fill(con, rules, uses)
    return sorted(ask(con, "adjustments", now), key=lambda row: (row["month"], row["contract_rule_id"], row["kind"]))


def lines(rows: Sequence[Row]) -> list[Line]:
    """Return what the oracle says of each row: a volume of nothing is none."""
    found = [(row["month"], row["contract_rule_id"], row["kind"], row["amount"]) for row in rows]
    return sorted(line for line in found if line[2:] != ("volume", 0))


def amounts(rows: Sequence[Row]) -> list[tuple[str, Decimal | int]]:
    """Return month and amount."""
    return [(f"{row['month']:%Y-%m}", row["amount"]) for row in rows]
