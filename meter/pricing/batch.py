"""Price a batch of calls. Names are matched in Python, once for each combination that is new; all that is per call is SQL.

In: the temp table `fresh`. Out: the temp table `priced`, one row per row of `fresh`. The statements are the .sql files beside
this module. They run on the caller's connection, inside the caller's transaction.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from meter.names import INPUT_CLASSES
from meter.pricing import contracts, ratios, usual
from meter.pricing.conditions import from_text, strict_keys

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CONDITIONS = "SELECT DISTINCT conditions FROM ledger.rate_cards WHERE conditions <> ''"
_UNSEEN = "SELECT count(*) FROM price_unseen"


def price(con: DuckDBPyConnection) -> None:
    """Make the temp table `priced` from the temp table `fresh`."""
    con.execute("SET VARIABLE meter_price_keys = ?", [_price_keys(con)])
    for name, switch in zip(("meter_by_account", "meter_by_deployment"), contracts.depends_on(con), strict=True):
        con.execute(f"SET VARIABLE {name} = ?", [switch])
    con.execute("SET VARIABLE meter_input_classes = ?", [sorted(INPUT_CLASSES)])
    con.execute(usual.MACROS)
    con.execute(_statement("macros"))
    _learn(con)
    _price(con, "fresh", "priced")
    con.execute(_statement("unseen"))
    if _count(con, _UNSEEN):
        _estimate(con)


def _price(con: DuckDBPyConnection, calls: str, target: str) -> None:
    con.execute(f"CREATE OR REPLACE TEMP VIEW price_batch AS FROM {calls}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE {target} AS {_statement('priced')}")


def _learn(con: DuckDBPyConnection) -> None:
    """Match what this ledger never saw, and remember it: most batches have nothing new, and never load the catalogue."""
    if asks := con.execute(_statement("unmatched")).fetchall():
        from meter.pricing.answers import remember

        remember(con, asks)


def _estimate(con: DuckDBPyConnection) -> None:
    con.execute(_statement("cut"), {"ratios": json.dumps(ratios.rows())})
    _price(con, "price_cut", "price_cut_priced")
    con.execute(_statement("bounds"))


def _price_keys(con: DuckDBPyConnection) -> list[str]:
    """Return every key of a call's context that some price depends on."""
    named = con.execute(_CONDITIONS).fetchall()
    return sorted(strict_keys().union(key for (conditions,) in named for key, _ in from_text(conditions)))


def _count(con: DuckDBPyConnection, query: str) -> int:
    return int(con.execute(query).fetchall()[0][0])


@lru_cache
def _statement(name: str) -> str:
    return Path(__file__).with_name(f"{name}.sql").read_text("utf-8")
