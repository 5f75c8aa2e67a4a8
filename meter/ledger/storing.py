"""One batch into the ledger: rows, tag sets, dead letters and checkpoints, all of it or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meter import pricing
from meter.ledger import days, rows, tagsets
from meter.ledger.backlog import Checkpoint
from meter.ledger.batch import Batch, Note
from meter.ledger.incoming import Sifted
from meter.ledger.transaction import transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Step = Callable[[str], None]

FORGET_FROM = 1000
"""So many checkpoints are forgotten at once: each time costs a commit."""


@dataclass(frozen=True)
class Ingested:
    """What an ingest did: lines = calls + outcomes + processes + duplicates + dead_letters."""

    lines: int = 0
    calls: int = 0
    outcomes: int = 0
    processes: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    bytes: int = 0
    segments: int = 0
    """Segments that were finished and deleted."""
    lag_bytes: int = 0
    """What still waits."""

    def __add__(self, other: Ingested) -> Ingested:
        """Add up; what waits is what the later one says."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        return Ingested(**counts, lag_bytes=other.lag_bytes)


_COUNTS = ("lines", "calls", "outcomes", "processes", "duplicates", "dead_letters", "bytes", "segments")


def store(con: DuckDBPyConnection, batch: Batch, sifted: Sifted, step: Step) -> Ingested:
    """Put a batch into the ledger, in one transaction with its checkpoints. `incoming` holds what could be read of it."""
    news = [note for note in batch.notes if note.is_news]
    if not news:
        return Ingested()
    duplicates = rows.drop_known(con) if sifted.count else 0
    step("deduplicated")
    with transaction(con):
        stored = _insert(con, batch, step) if sifted.count else Ingested()
        letters = [*batch.letters, *sifted.letters]
        dead = rows.insert_letters(con, letters)
        step("buried")
        done = replace(
            stored,
            lines=sifted.count + len(batch.letters),
            dead_letters=dead,
            duplicates=duplicates + len(letters) - dead,
            bytes=batch.taken,
        )
        _note(con, news, done)
        step("noted")
    step("committed")
    return done


def checkpoints(con: DuckDBPyConnection, names: Sequence[str]) -> dict[str, Checkpoint]:
    """Return how far each of these segments was read."""
    found = con.execute(_CHECKPOINTS, {"names": list(names)}).fetchall()
    return {segment: Checkpoint(*rest) for segment, *rest in found}


def forget(con: DuckDBPyConnection, names: Sequence[str]) -> int:
    """Let go of checkpoints that have nothing left to say, once they are many; `names` are the segments in the spool.

    They are of segments that are gone for a day and whose writers lost nothing, so no sum misses them. A name is never used
    twice; should a file come back all the same, from a backup, it is read again and its calls are known by their ids.
    """
    ((count,),) = con.execute(
        f"SELECT count(*) FROM ledger.checkpoints WHERE {_SPENT}", {"names": list(names)}
    ).fetchall()
    if count < FORGET_FROM:
        return 0
    con.execute(f"DELETE FROM ledger.checkpoints WHERE {_SPENT}", {"names": list(names)})
    return int(count)


def _insert(con: DuckDBPyConnection, batch: Batch, step: Step) -> Ingested:
    tagsets.settle(con)
    step("tagged")
    con.execute(rows.FRESH)
    pricing.price(con)
    step("priced")
    done = Ingested(
        calls=rows.insert_calls(con),
        outcomes=rows.insert_outcomes(con),
        processes=rows.insert_processes(con, batch.heads),
    )
    days.add(con)
    step("inserted")
    ((waiting,),) = con.execute("SELECT count(*) FROM incoming").fetchall()
    if done.calls + done.outcomes + done.processes != waiting:
        raise AssertionError(f"{waiting} lines to insert, but {done} were")
    return done


def _note(con: DuckDBPyConnection, notes: Sequence[Note], done: Ingested) -> None:
    """Write down how far the segments are read, and add to the sums."""
    states = [note.state for note in notes]
    con.execute(
        _NOTE,
        {
            "segments": [note.segment.name for note in notes],
            "positions": [note.position for note in notes],
            "pids": [state.pid or None for state in states],
            "hosts": [state.host or None for state in states],
            "starts": [state.started or None for state in states],
            "lost": [state.lost for state in states],
            "lost_bytes": [state.lost_bytes for state in states],
            "failures": [json.dumps(dict(state.failures)) for state in states],
        },
    )
    con.execute(_SUM, {name: getattr(done, name) for name in _SUMMED})


_CHECKPOINTS = """
SELECT segment, position, lost, coalesce(list_sum(map_values(failures::MAP(VARCHAR, BIGINT))), 0)
FROM ledger.checkpoints
WHERE segment IN (SELECT unnest($names::VARCHAR[]))
"""
_SPENT = """
updated_at < now() - INTERVAL 1 DAY AND lost = 0 AND failures = '{}' AND segment NOT IN (SELECT unnest($names::VARCHAR[]))
"""
_NOTE = """
MERGE INTO ledger.checkpoints AS known
USING (
    SELECT
        unnest($segments::VARCHAR[]) AS segment,
        unnest($positions::BIGINT[]) AS position,
        unnest($pids::BIGINT[]) AS pid,
        unnest($hosts::VARCHAR[]) AS host,
        make_timestamptz(unnest($starts::BIGINT[])) AS started_at,
        unnest($lost::BIGINT[]) AS lost,
        unnest($lost_bytes::BIGINT[]) AS lost_bytes,
        unnest($failures::VARCHAR[]) AS failures
) AS noted
ON noted.segment = known.segment
WHEN MATCHED THEN UPDATE SET
    position = noted.position, pid = noted.pid, host = noted.host, started_at = noted.started_at,
    lost = noted.lost, lost_bytes = noted.lost_bytes, failures = noted.failures, updated_at = now()
WHEN NOT MATCHED THEN INSERT VALUES (
    noted.segment, noted.position, noted.pid, noted.host, noted.started_at, noted.lost, noted.lost_bytes, noted.failures, now()
)
"""
_SUMMED = ("lines", "calls", "outcomes", "processes", "dead_letters", "duplicates", "bytes")
_SUM = f"UPDATE ledger.ingested SET last_at = now(), {', '.join(f'{name} = {name} + ${name}' for name in _SUMMED)}"
