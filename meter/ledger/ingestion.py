"""From the spool to the ledger, exactly once.

A batch is whole lines of some segments. Its rows, its tag sets, its dead letters and its segments' checkpoints are one
transaction, so a kill at any moment leaves all of it or nothing, and a second reading begins where the first one ended. A segment
is deleted after the commit that covers its last byte, and only if its writer was gone before that byte was looked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meter import pricing
from meter.errors import MeterError
from meter.ledger import incoming, rows, tagsets
from meter.ledger.backlog import Backlog, Checkpoint, Source, lag_bytes
from meter.ledger.batch import Batch
from meter.ledger.store import WAIT_S, Ledger, fold
from meter.ledger.transaction import transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Progress = Callable[[int, int], None]
Step = Callable[[str], None]

BATCH_BYTES = 8 << 20
CATCHING_UP_BYTES = 64 << 20
"""A batch when at least so much waits."""
BRIEF_BYTES = 4 << 20
"""A batch when there is little time."""
HOLD_S = 1.0
"""After so long the ledger is let go of for a moment: others wait their turn."""
LONGEST_WAL_BYTES = 64 << 20
"""Folded into the file even while a long ingest goes on."""


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


def ingest(
    ledger: Ledger,
    *,
    budget_s: float | None = None,
    progress: Progress | None = None,
    step: Step = lambda _: None,
) -> Ingested:
    """Move what waits in the spool into the ledger, priced; with a budget, as much as fits into about that time.

    `progress` is told bytes done and bytes in all; `step` the name of each step that was just done. What comes in meanwhile may
    wait for the next ingest.
    Raises LedgerLocked, LedgerTooNew, SpoolUnsafe, SettingInvalid; MeterError in a shared home that is not this user's.
    """
    if not ledger.home.may_write_ledger:
        raise MeterError(
            f"only the agent writes the shared ledger in {ledger.home.path}", hint="run it as the agent's user"
        )
    if not any(ledger.home.spool.glob("*.ndjson")):
        return Ingested()
    deadline = None if budget_s is None else time.monotonic() + budget_s
    done, total = Ingested(), 0
    while True:
        with ledger.writing(WAIT_S if budget_s is None else max(budget_s, 0.1)) as con:
            step("opened")
            backlog = Backlog.of(ledger.home.spool, checkpoints(con))
            total = total or backlog.lag_bytes
            until = min(time.monotonic() + HOLD_S, deadline or float("inf"))
            for part in _batches(con, ledger, backlog, until, step, brief=budget_s is not None):
                done += part
                if progress is not None:
                    progress(min(done.bytes, total), total)
        step("closed")
        if backlog.is_read or done.bytes >= total or (deadline is not None and time.monotonic() >= deadline):
            return replace(done, lag_bytes=lag_bytes(ledger.home.spool, backlog.positions))


def checkpoints(con: DuckDBPyConnection) -> dict[str, Checkpoint]:
    """Return how far each segment was read."""
    return {segment: Checkpoint(*rest) for segment, *rest in con.execute(_CHECKPOINTS).fetchall()}


def _batches(
    con: DuckDBPyConnection, ledger: Ledger, backlog: Backlog, until: float, step: Step, *, brief: bool
) -> Iterator[Ingested]:
    while not backlog.is_read:
        size = BRIEF_BYTES if brief else CATCHING_UP_BYTES if backlog.lag_bytes >= CATCHING_UP_BYTES else BATCH_BYTES
        with Batch() as batch:
            backlog.fill(batch, size)
            part = _store(con, batch, backlog.touched, step)
        fold(con, ledger.home.ledger, LONGEST_WAL_BYTES)
        gone = 0
        for source in backlog.finished():
            gone += source.segment.delete(read_to=source.position)
            step("deleted")
        yield replace(part, segments=gone)
        if time.monotonic() >= until:
            return


def _store(con: DuckDBPyConnection, batch: Batch, touched: Sequence[Source], step: Step) -> Ingested:
    """Put a batch into the ledger, in one transaction with its checkpoints."""
    news = [source for source in touched if source.has_news]
    if not news:
        return Ingested()
    sifted = incoming.read(con, batch) if batch.extents else incoming.Sifted(0, [])
    step("read")
    with transaction(con):
        stored = _insert(con, batch, step) if sifted.count else Ingested()
        letters = [*batch.letters, *sifted.letters]
        dead = rows.insert_letters(con, letters)
        step("buried")
        done = replace(
            stored,
            lines=sifted.count + len(batch.letters),
            dead_letters=dead,
            duplicates=stored.duplicates + len(letters) - dead,
            bytes=batch.taken,
        )
        _note(con, news, done)
        step("noted")
    step("committed")
    for source in news:
        source.noted = source.checkpoint
    return done


def _insert(con: DuckDBPyConnection, batch: Batch, step: Step) -> Ingested:
    duplicates = rows.drop_known(con)
    step("deduplicated")
    tagsets.settle(con)
    step("tagged")
    con.execute(rows.FRESH)
    pricing.price(con)
    step("priced")
    done = Ingested(
        calls=rows.insert_calls(con),
        outcomes=rows.insert_outcomes(con),
        processes=rows.insert_processes(con, batch.heads),
        duplicates=duplicates,
    )
    step("inserted")
    ((waiting,),) = con.execute("SELECT count(*) FROM incoming").fetchall()
    if done.calls + done.outcomes + done.processes != waiting:
        raise AssertionError(f"{waiting} lines to insert, but {done} were")
    return done


def _note(con: DuckDBPyConnection, sources: Sequence[Source], done: Ingested) -> None:
    """Write down how far the segments are read, and add to the sums."""
    states = [source.state for source in sources]
    con.execute(
        _NOTE,
        {
            "segments": [source.segment.name for source in sources],
            "positions": [source.position for source in sources],
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
