"""Dead letters: lines that cannot be read, with place and reason.

One that a newer Meter wrote is kept whole, and goes back into the spool once this Meter knows its schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from meter.event import SCHEMA
from meter.home import Home
from meter.ledger.transaction import transaction
from meter.spool import Writer

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EXCERPT_BYTES = 512
"""So much of a dead letter is kept: enough to see what wrote it."""


@dataclass(frozen=True)
class Line:
    """One line, and where it stands in the spool."""

    segment: str
    position: int
    data: bytes


@dataclass(frozen=True)
class DeadLetter:
    """A line, or a stretch without lines, that cannot be read."""

    segment: str
    position: int
    size: int
    reason: str
    excerpt: bytes

    @classmethod
    def of(cls, line: Line, reason: str) -> DeadLetter:
        """Return the letter for a line; whole for one of a newer schema."""
        schema = _schema(line.data)
        if schema <= SCHEMA:
            return cls(line.segment, line.position, len(line.data), reason, line.data[:EXCERPT_BYTES])
        reason = (
            f"schema version {schema} is newer than {SCHEMA}: upgrade spendmeter here; it then reads the line by itself"
        )
        return cls.whole(line, reason)

    @classmethod
    def whole(cls, line: Line, reason: str) -> DeadLetter:
        """Return the letter for a line that may turn out to be good."""
        return cls(line.segment, line.position, len(line.data), reason, line.data)


class _Version(msgspec.Struct):
    v: int = 0


_version = msgspec.json.Decoder(_Version).decode


def _schema(data: bytes) -> int:
    """Return a line's schema version; 0 where it has none."""
    try:
        return _version(data).v
    except (ValueError, RecursionError):
        return 0


_REVIVED_AT_ONCE = 10_000
_KEPT = f"""
SELECT rowid, excerpt
FROM ledger.dead_letters
WHERE starts_with(reason, 'schema version ') -- cheap, for letters by the million: this is asked at each ingest
    AND TRY_CAST(regexp_extract(reason, '^schema version (\\d+) is newer', 1) AS INTEGER) <= {SCHEMA}
    AND octet_length(excerpt) = size
LIMIT {_REVIVED_AT_ONCE}
"""
_FORGET = "DELETE FROM ledger.dead_letters WHERE rowid IN (SELECT unnest($rows))"
_UNCOUNT = "UPDATE ledger.ingested SET lines = lines - $count, dead_letters = dead_letters - $count"
_ANY_SIZE = 1 << 50
"""The spool's limit does not hold here: what would not fit would count as lost, and is not."""


def revive(con: DuckDBPyConnection, home: Home) -> int:
    """Put letters that an earlier Meter could not read, and this one can, back into the spool; return how many.

    The spool has them before the ledger lets go of them: a kill in between leaves both, and a call's id keeps it from counting
    twice.
    """
    known = con.execute(_KEPT).fetchall()
    if not known:
        return 0
    writer = Writer(home.spool, max_bytes=_ANY_SIZE, sync=True, file_mode=home.segment_mode)
    try:
        taken = [row for row, data in known if writer.append(data)]
    finally:
        writer.close()
    with transaction(con):
        con.execute(_FORGET, {"rows": taken})
        con.execute(_UNCOUNT, {"count": len(taken)})
    return len(taken)
