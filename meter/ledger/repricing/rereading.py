"""Usage objects read again, as their wires are understood now: what a fix in a provider's file changes of calls in the ledger.

A call takes part that keeps its usage object and is read otherwise now: another count of a class, or another tier, place or
stated cost. What the new reading does not state stays as it is stored; a usage object that nobody can read changes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from meter.event import MAX_COUNT
from meter.ledger.repricing.slices import run
from meter.ledger.usage import MAP, UNUSUAL_COLUMNS
from meter.providers import history
from meter.providers.interpreting import COST_CURRENCY
from meter.providers.model import Dialect
from meter.providers.progress import reader_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FETCHED = 10_000
COUNT, COST = Decimal("1e-6"), Decimal("1e-12")
"""What the ledger's columns are exact to."""

_MADE = f"""
CREATE OR REPLACE TEMP TABLE reprice_reread AS
SELECT
    id,
    usage::JSON::{MAP} AS usage,
    source,
    tier,
    region,
    context::JSON::MAP(VARCHAR, VARCHAR) AS context,
    reported_cost::DECIMAL(26, 12) AS reported_cost,
    CASE WHEN reported_cost IS NOT NULL THEN {COST_CURRENCY!r} END AS reported_currency
FROM (
    SELECT
        unnest($ids::UUID[]) AS id, unnest($usages::VARCHAR[]) AS usage, unnest($sources::VARCHAR[]) AS source,
        unnest($tiers::VARCHAR[]) AS tier, unnest($regions::VARCHAR[]) AS region, unnest($contexts::VARCHAR[]) AS context,
        unnest($costs::VARCHAR[]) AS reported_cost
)
"""
_DERIVED = ("usage_source", "reported_usage", "reported_source", "service_tier", "region", "context")
_FACTS = (*_DERIVED, "reported_cost", "reported_currency")
# In place, as a repricing does it.
_UPDATE = f"""
UPDATE ledger.calls AS calls
SET {", ".join(f"{name} = rewritten.{name}" for name in (*UNUSUAL_COLUMNS, *_FACTS))}
FROM (
    SELECT row_number, {", ".join(f"{value} AS {name}" for name, value in UNUSUAL_COLUMNS.items())}, {", ".join(_FACTS)}
    FROM reprice_rewritten AS priced
    WHERE NOT is_closed
) AS rewritten
WHERE calls.rowid = rewritten.row_number
"""
_RECORD = """
INSERT INTO ledger.reread BY NAME
SELECT
    $id AS revision_id, * EXCLUDE (is_closed, old_quantity, new_quantity),
    sum(old_quantity) AS old_quantity, sum(new_quantity) AS new_quantity
FROM reprice_usage
WHERE NOT is_closed
GROUP BY ALL
"""
_BY_CLASS = """
SELECT usage_class, sum(old_quantity), sum(new_quantity)
FROM reprice_usage
GROUP BY usage_class
HAVING sum(old_quantity) <> sum(new_quantity)
ORDER BY usage_class
"""


class Stored(NamedTuple):
    """What is stored of a call, and its usage object."""

    id: Any
    provider: str | None
    api: str | None
    request_model: str | None
    response_model: str | None
    status: str | None
    source: str | None
    """reported, partial or missing: how well the usage was known before anything was estimated."""
    usage: Mapping[str, Decimal] | None
    tier: str | None
    region: str | None
    context: Mapping[str, str] | None
    reported_cost: Decimal | None
    raw: str


class Fresh(NamedTuple):
    """How it is read now. None in a field that the usage object says nothing of."""

    id: Any
    usage: dict[str, Decimal]
    source: str
    tier: str | None
    region: str | None
    context: dict[str, str] | None
    reported_cost: Decimal | None


@dataclass
class Rereading:
    """What was read so far."""

    read: int = 0
    """Calls that keep their usage object."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Those of wires that nobody knows, by provider and api: they stay as they are."""

    def choose(self, con: DuckDBPyConnection) -> None:
        """Make the view `fresh` of those calls of the slice that are read otherwise now."""
        run(con, "fresh", view="reprice_stored")
        cursor = run(con, "reread_raw")
        found: list[Fresh] = []
        while rows := cursor.fetchmany(FETCHED):
            found += [fresh for row in rows if (fresh := self._read(Stored(*row))) is not None]
        con.execute(_MADE, _columns(found))
        run(con, "reread_fresh")

    def _read(self, stored: Stored) -> Fresh | None:
        """Return how a call is read now, or None if that is as it is stored."""
        self.read += 1
        dialect = history.wire(stored.provider, stored.api)
        if dialect is None:
            self.unknown[f"{stored.provider}/{stored.api}"] += 1
            return None
        fresh = _fresh(stored, dialect)
        return fresh if fresh.usage and _is_sound(fresh) and _differs(stored, fresh) else None


def update(con: DuckDBPyConnection) -> None:
    """Rewrite the usage of the slice's calls that are read otherwise now, but of closed months."""
    con.execute(_UPDATE)


def record(con: DuckDBPyConnection, revision: int) -> None:
    """Write down what a revision changed in counts."""
    con.execute(_RECORD, {"id": revision})


def by_class(con: DuckDBPyConnection) -> list[tuple[str, Decimal, Decimal]]:
    """Return the classes whose sums differ, each before and after."""
    return [(str(name), old, new) for name, old, new in con.execute(_BY_CLASS).fetchall()]


def _fresh(stored: Stored, dialect: Dialect) -> Fresh:
    is_partial = stored.source == "partial" or (stored.source == "missing" and stored.status != "ok")
    found, told = history.reread(
        reader_of(dialect),
        stored.raw,
        stored.response_model,
        stored.request_model,
        stored.usage or {},
        is_partial=is_partial,
    )
    usage = {name: _exact(count, COUNT) for name, count in found.items()}
    source = "partial" if is_partial else "reported"
    context = {**(stored.context or {}), **told.context} if told.context else None
    cost = None if told.cost is None else _exact(told.cost, COST)
    return Fresh(stored.id, usage, source, told.fields.get("tier"), told.fields.get("region"), context, cost)


def _exact(value: object, unit: Decimal) -> Decimal:
    """Return a number as the ledger's columns round it."""
    return Decimal(str(value)).quantize(unit, ROUND_HALF_UP)


def _is_sound(fresh: Fresh) -> bool:
    return all(0 <= count <= MAX_COUNT for count in fresh.usage.values())


def _differs(stored: Stored, fresh: Fresh) -> bool:
    said = ("tier", "region", "context", "reported_cost")
    return (stored.usage or {}) != fresh.usage or any(
        getattr(fresh, name) is not None and getattr(fresh, name) != getattr(stored, name) for name in said
    )


def _columns(found: Sequence[Fresh]) -> dict[str, list[Any]]:
    return {
        "ids": [str(one.id) for one in found],
        "usages": [json.dumps({name: f"{count:f}" for name, count in one.usage.items()}) for one in found],
        "sources": [one.source for one in found],
        "tiers": [one.tier for one in found],
        "regions": [one.region for one in found],
        "contexts": [None if one.context is None else json.dumps(one.context) for one in found],
        "costs": [None if one.reported_cost is None else f"{one.reported_cost:f}" for one in found],
    }
