"""What shows that rows were copied whole: their number, ids, amounts to the last digit, and a hash of it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from meter.ledger.transaction import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COSTS = (
    "list_cost",
    "contracted_cost_if_other",
    "effective_cost_if_other",
    "reported_cost",
    "estimate_low",
    "estimate_high",
)
"""The amounts of `ledger.calls`."""


@dataclass(frozen=True)
class Fingerprint:
    """Of some calls. The hash is of every value of every row, in any order, and holds for one version of DuckDB only."""

    calls: int
    min_id: UUID | None
    max_id: UUID | None
    sums: Mapping[str, Decimal]
    content: int | None

    def holds(self, calls: int, min_id: UUID, max_id: UUID, sums: Mapping[str, Decimal]) -> bool:
        """Tell whether it is as was written down."""
        return (self.calls, self.min_id, self.max_id, dict(self.sums)) == (calls, min_id, max_id, dict(sums))


def of_calls(con: DuckDBPyConnection, query: str) -> Fingerprint:
    """Return the fingerprint of the calls that a query gives."""
    sums = ", ".join(f"{quoted(name)}: coalesce(sum({name}), 0)::DECIMAL(38, 12)" for name in COSTS)
    found = con.execute(
        f"SELECT count(*), min(id), max(id), MAP {{{sums}}}, sum(hash(rows)::HUGEINT) FROM ({query}) AS rows"
    ).fetchall()
    return Fingerprint(*found[0])


def of_table(con: DuckDBPyConnection, name: str, keys: Sequence[str]) -> tuple[int, int | None]:
    """Return the number of a table's rows and the sum of their hashes."""
    columns = ", ".join(f'"{key}"' for key in keys)
    ((count, content),) = con.execute(
        f"SELECT count(*), sum(hash(rows)::HUGEINT) FROM (SELECT {columns} FROM {name}) AS rows"
    ).fetchall()
    return int(count), content
