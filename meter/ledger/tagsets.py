"""Tag sets: each distinct set of tags is stored once, and a call names it by number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WANTED = """
CREATE OR REPLACE TEMP TABLE wanted_tags AS
SELECT text, tags, canonical, ('0x' || left(md5(canonical), 16))::UBIGINT AS hash
FROM (
    SELECT
        text,
        map_from_entries(list_sort(list_filter(map_entries(pairs), lambda pair: pair.value IS NOT NULL))) AS tags,
        to_json(tags)::VARCHAR AS canonical
    FROM batch_maps
    WHERE text IN (SELECT tags FROM incoming)
)
WHERE cardinality(tags) > 0
"""
_ADD = """
INSERT INTO ledger.tag_sets
SELECT
    (SELECT coalesce(max(tag_set_id), 0) FROM ledger.tag_sets) + row_number() OVER (ORDER BY canonical) AS tag_set_id,
    hash,
    canonical,
    any_value(tags) AS tags
FROM wanted_tags
ANTI JOIN ledger.tag_sets USING (hash, canonical)
GROUP BY hash, canonical
"""
_FOUND = """
CREATE OR REPLACE TEMP TABLE batch_tags AS
SELECT wanted.text, known.tag_set_id
FROM wanted_tags AS wanted
JOIN ledger.tag_sets AS known ON known.hash = wanted.hash AND known.canonical = wanted.canonical
"""


def settle(con: DuckDBPyConnection) -> None:
    """Make `batch_tags`: for each text of tags in `incoming` its tag set's id, adding the sets that are new."""
    for statement in (_WANTED, _ADD, _FOUND):
        con.execute(statement)
