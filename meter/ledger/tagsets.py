"""Tag sets: each distinct set of tags is stored once, and a call names it by id.

The id is the first 64 bits of the MD5 of the canonical JSON. That two sets share them is as good as impossible until it happens;
equality is therefore verified, and the later set takes the next free id and notes how far it went (`probe`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WANTED = """
CREATE OR REPLACE TEMP TABLE batch_tags AS
SELECT text, tags, canonical, ('0x' || left(md5(canonical), 16))::UBIGINT AS tag_set_id, false AS settled
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
_SETTLE = """
UPDATE batch_tags
SET settled = true
FROM ledger.tag_sets AS known
WHERE NOT settled AND known.tag_set_id = batch_tags.tag_set_id AND known.canonical = batch_tags.canonical
"""
_ADD = """
INSERT INTO ledger.tag_sets
SELECT tag_set_id, arg_min(tags, canonical), min(canonical), $probe
FROM batch_tags
WHERE NOT settled AND tag_set_id NOT IN (SELECT tag_set_id FROM ledger.tag_sets)
GROUP BY tag_set_id
"""
_MOVE_ON = """
UPDATE batch_tags SET tag_set_id = ((tag_set_id::UHUGEINT + 1) % 18446744073709551616)::UBIGINT WHERE NOT settled
"""
_LEFT = "SELECT count(*) FROM batch_tags WHERE NOT settled"


def settle(con: DuckDBPyConnection) -> None:
    """Make `batch_tags`: for each text of tags in `incoming` its tag set's id, adding the sets that are new."""
    con.execute(_WANTED)
    probe = 0
    while True:
        con.execute(_SETTLE)
        if con.execute(_LEFT).fetchall() == [(0,)]:
            return
        con.execute(_ADD, {"probe": probe})
        con.execute(_SETTLE)
        con.execute(_MOVE_ON)
        probe += 1
