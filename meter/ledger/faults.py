"""What makes a line that can be read a dead letter all the same: no row may be wrong in silence, and none may fail its batch.

Each fault is a condition on a row of `incoming`, and what it says. The first that holds is the reason.
"""

from __future__ import annotations

from meter.event import LAST_TS, SCHEMA
from meter.ledger.usage import OUT_OF_RANGE

KINDS = ("call", "outcome", "process")

_VERSION = "coalesce(rtrim(rtrim(v::VARCHAR, '0'), '.'), 'missing')"
_NO_MAP = "(SELECT text FROM batch_maps WHERE pairs IS NULL)"
_CHECKS = (
    (f"v IS DISTINCT FROM {SCHEMA}", f"'schema version ' || {_VERSION} || ' is not {SCHEMA}'"),
    (f"coalesce(kind, '') NOT IN {KINDS}", "'unknown kind ' || coalesce(left(kind, 40), 'missing')"),
    ("id IS NULL", "'the id is missing or not 128 bits in hex'"),
    ("ts IS NULL", "'the time is missing'"),
    (f"ts NOT BETWEEN 0 AND {LAST_TS}", "'ts = ' || ts || ' is out of range'"),
    (f"tags IN {_NO_MAP}", "'the tags are not an object whose keys differ'"),
    (f"context IN {_NO_MAP}", "'the context is not an object whose keys differ'"),
    (OUT_OF_RANGE, "''"),  # whoever reads the line again says it better
    ("rowid IN (SELECT line FROM batch_unusual WHERE NOT is_sound)", "''"),
    ("kind = 'outcome' AND name IS NULL", "'an outcome without a name'"),
    (
        "kind = 'outcome' AND value IS NOT NULL AND TRY_CAST(value AS DECIMAL(26, 12)) IS NULL",
        "'value is no amount: ' || left(value, 40)",
    ),
    (
        "kind = 'outcome' AND quantity IS NOT NULL AND TRY_CAST(quantity AS DECIMAL(26, 12)) IS NULL",
        "'quantity is no number: ' || left(quantity, 40)",
    ),
)

FAULTS = f"""
SELECT line, reason
FROM (
    SELECT rowid AS line, CASE {" ".join(f"WHEN {condition} THEN {reason}" for condition, reason in _CHECKS)} END AS reason
    FROM incoming
)
WHERE reason IS NOT NULL
ORDER BY line
"""
"""Row and reason; an empty reason is the usage's."""
