"""The calls of a scope in slices of the table, in its order. Each is priced by itself, so memory does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from meter import pricing
from meter.ledger.interruptible import interruptible
from meter.ledger.repricing.scope import Scope
from meter.ledger.usage import MAP, PLAIN_COLUMNS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CALLS = 1 << 18
"""About so many calls in a slice: 8 row groups."""
ROW_GROUP = 1 << 15

_COUNTED = """
SELECT rowid // {rows} AS row_group, count(*) FROM ledger.calls WHERE {condition} GROUP BY row_group ORDER BY row_group
"""
_KEPT = "SELECT count(*) FROM reprice_kept"
_VARIABLES = {
    "map": MAP,
    "counts": ", ".join(PLAIN_COLUMNS),
    "billed": ", ".join(
        [
            *(
                f"CASE WHEN {name} IS NOT NULL THEN MAP {{'{name}': {name}::DECIMAL(24, 6)}} END"
                for name in PLAIN_COLUMNS
            ),
            f"other_usage::JSON::{MAP}",
        ]
    ),
}


@dataclass(frozen=True)
class Slice:
    """Rows of `ledger.calls` from `low` to `high`, of which `calls` are chosen."""

    low: int
    high: int
    calls: int


def slices(con: DuckDBPyConnection, scope: Scope) -> list[Slice]:
    """Return the slices that hold the scope's calls. Raises MeterError for a scope with months that are in files."""
    scope.refuse_cold(con)
    found: list[Slice] = []
    low, calls = None, 0
    for group, count in con.execute(_COUNTED.format(rows=ROW_GROUP, condition=scope.condition)).fetchall():
        low = group * ROW_GROUP if low is None else low
        calls += count
        if calls >= CALLS:
            found.append(Slice(low, (group + 1) * ROW_GROUP - 1, calls))
            low, calls = None, 0
    if low is not None:
        found.append(Slice(low, (group + 1) * ROW_GROUP - 1, calls))
    return found


Choose = Callable[["DuckDBPyConnection"], None]
"""Makes the view `fresh`, of some of a slice's calls that differ by what they are and not by prices alone."""


def compare(con: DuckDBPyConnection, scope: Scope, part: Slice, choose: Choose | None = None) -> int:
    """Make the temp table `reprice_changed`, the calls of a slice that would be priced otherwise now, and count them."""
    return interruptible(con, lambda: _compare(con, scope, part, choose))


def run(con: DuckDBPyConnection, name: str, **variables: object) -> DuckDBPyConnection:
    """Execute one of the .sql files beside this module, and return what holds its rows."""
    return con.execute(statement(name).format(**_VARIABLES, **variables))


@lru_cache
def statement(name: str) -> str:
    """Return the text of a .sql file."""
    return Path(__file__).with_name(f"{name}.sql").read_text("utf-8")


def _compare(con: DuckDBPyConnection, scope: Scope, part: Slice, choose: Choose | None) -> int:
    run(con, "slice", low=part.low, high=part.high, condition=scope.condition)
    if choose is None:
        run(con, "fresh", view="fresh")
    else:
        choose(con)
    pricing.price(con)
    con.execute("CREATE OR REPLACE TEMP VIEW reprice_priced AS FROM priced")
    if choose is None:
        _keep_estimates(con)
    run(con, "changed", always="false" if choose is None else "true")
    ((changed,),) = con.execute("SELECT count(*) FROM reprice_changed").fetchall()
    return int(changed)


def _keep_estimates(con: DuckDBPyConnection) -> None:
    """Price estimates that would come out otherwise today by the tokens of then, which are in every figure since."""
    run(con, "kept")
    if con.execute(_KEPT).fetchall() == [(0,)]:
        return
    con.execute("CREATE OR REPLACE TEMP TABLE reprice_estimated AS FROM priced")
    run(con, "fresh_kept")
    pricing.price(con)
    run(con, "kept_priced")
    con.execute("CREATE OR REPLACE TEMP VIEW reprice_priced AS FROM reprice_estimated")


def lines(parts: list[Slice]) -> Iterator[tuple[int, Slice]]:
    """Yield each slice with the number of calls before it."""
    before = 0
    for part in parts:
        yield before, part
        before += part.calls
