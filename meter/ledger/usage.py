"""How usage is stored: the classes that most calls have in columns of their own, all others in one map.

The map `other_usage` takes 8 bytes a call less than one map of everything, and a sum over tokens reads one narrow column. A count
that is not whole, such as an estimate of somebody's own, stands in the map whatever its class.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from meter.ledger.transaction import quoted
from meter.names import INPUT_CLASSES, OUTPUT_CLASSES

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

OWN_COLUMNS = (
    *("input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "input_audio"),
    *("output", "reasoning", "output_audio"),
)
"""Classes with a column in `ledger.calls`; the column has the class's name."""


def _listed(names: Collection[str]) -> str:
    return f"({', '.join(map(quoted, sorted(names)))})"


_ODD = f"""
SELECT DISTINCT class
FROM (SELECT unnest(map_keys(usage)) AS class, unnest(map_values(usage)) AS quantity FROM incoming)
WHERE class NOT IN {_listed(OWN_COLUMNS)} OR quantity % 1 <> 0
"""


def odd_classes(con: DuckDBPyConnection) -> list[str]:
    """Return the classes of the batch that need the map."""
    return [name for (name,) in con.execute(_ODD).fetchall()]


def usage_columns(*, has_odd: bool) -> Mapping[str, str]:
    """Return the expressions of the usage's columns over `billed_usage`, with $odd the odd classes if there are any."""
    if not has_odd:
        return {name: f"billed_usage[{quoted(name)}]::BIGINT" for name in OWN_COLUMNS}
    other = (
        "CASE WHEN list_has_any(map_keys(billed_usage), $odd::VARCHAR[]) THEN map_from_entries(list_filter("
        f"map_entries(billed_usage), lambda e: e.key NOT IN {_listed(OWN_COLUMNS)} OR e.value % 1 <> 0)) END"
    )
    return {
        **{name: _whole(f"billed_usage[{quoted(name)}]") for name in OWN_COLUMNS},
        "other_usage": f"CASE WHEN cardinality({other}) > 0 THEN {other} END",
        "other_input": _sum(other, INPUT_CLASSES),
        "other_output": _sum(other, OUTPUT_CLASSES),
    }


def _whole(count: str) -> str:
    return f"CASE WHEN {count} % 1 = 0 THEN {count}::BIGINT END"


def _sum(usage: str, classes: Collection[str]) -> str:
    chosen = f"list_filter(map_entries({usage}), lambda e: e.key IN {_listed(classes)})"
    return f"list_sum(list_transform({chosen}, lambda e: e.value))::BIGINT"
