"""How usage is read and stored: the classes that most calls have in columns of their own, all others in one map.

A map is dear to make (its keys are checked one by one) and to store; a narrow column is neither. So a line whose usage has only
whole counts of the usual classes, nearly every line, never becomes a map here. The others are called unusual: they have another
class, a count that is not whole, or are wrong.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from meter.event import MAX_COUNT
from meter.ledger.transaction import quoted
from meter.names import INPUT_CLASSES, OUTPUT_CLASSES, USUAL_CLASSES

MAP = "MAP(VARCHAR, DECIMAL(24, 6))"
COUNTS = f"json_transform(usage, {quoted(json.dumps(dict.fromkeys(USUAL_CLASSES, 'BIGINT')))})"
"""The usual classes of a usage; NULL for one that is absent, and for one that is no number."""
_PRESENT = " + ".join(f"({name} IS NOT NULL)::INTEGER" for name in USUAL_CLASSES)
PLAIN = f"""coalesce(
    usage = 'null' OR (starts_with(usage, '{{') AND NOT contains(usage, '.') AND len(json_keys(usage)) = {_PRESENT}), true
)"""
"""Whether those columns say all. A whole number in another notation, such as 1e3, is read as a whole number."""
OUT_OF_RANGE = (
    f"plain AND (greatest({', '.join(USUAL_CLASSES)}) > {MAX_COUNT} OR least({', '.join(USUAL_CLASSES)}) < 0)"
)

UNUSUAL = f"""
CREATE OR REPLACE TABLE batch_unusual AS
SELECT
    line,
    coalesce(
        list_unique(map_keys(usage)) = cardinality(usage) -- DuckDB 2 makes no map of a class that stands there twice; 1.5 does
        AND list_count(map_values(usage)) = cardinality(usage)
        AND coalesce(list_min(map_values(usage)) >= 0 AND list_max(map_values(usage)) <= {MAX_COUNT}, true),
        false
    ) AS is_sound
FROM (SELECT rowid AS line, TRY_CAST(usage AS {MAP}) AS usage FROM incoming WHERE NOT plain)
"""


def _listed(names: Collection[str]) -> str:
    return f"({', '.join(map(quoted, sorted(names)))})"


def _sum(classes: Collection[str]) -> str:
    chosen = f"list_filter(map_entries({_OTHER}), lambda e: e.key IN {_listed(classes)})"
    return f"list_sum(list_transform({chosen}, lambda e: e.value))::BIGINT"


def _as_json(usage: str) -> str:
    """Write a map of counts as JSON, with text as values: a JSON number would pass through a double."""
    entries = f"list_transform(map_entries({usage}), lambda e: {{'key': e.key, 'value': e.value::VARCHAR}})"
    return f"CASE WHEN cardinality({usage}) > 0 THEN to_json(map_from_entries({entries}))::VARCHAR END"


_OTHER = (
    "map_from_entries(list_filter(map_entries(billed_usage),"
    f" lambda e: e.key NOT IN {_listed(USUAL_CLASSES)} OR e.value % 1 <> 0))"
)

PLAIN_COLUMNS: Mapping[str, str] = {name: f"lines.{name}" for name in USUAL_CLASSES}
"""Usage column of `ledger.calls`: where it comes from, for a plain usage."""
UNUSUAL_COLUMNS: Mapping[str, str] = {
    **{
        name: f"CASE WHEN billed_usage['{name}'] % 1 = 0 THEN billed_usage['{name}']::BIGINT END"
        for name in USUAL_CLASSES
    },
    "other_usage": _as_json(_OTHER),
    "estimated_usage": _as_json("priced.estimated_usage"),
    "other_input": _sum(INPUT_CLASSES),
    "other_output": _sum(OUTPUT_CLASSES),
}
"""The same for any usage, by `billed_usage`: a map of what was reported, with what was estimated in its place."""
