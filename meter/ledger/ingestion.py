"""From the spool to the ledger, exactly once.

A batch is whole lines of some segments. Its rows, its tag sets, its dead letters and its segments' checkpoints are one
transaction, so a kill at any moment leaves all of it or nothing, and a second reading begins where the first one ended. A segment
is deleted after the commit that covers its last byte, and only if its writer was gone before that byte was looked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from meter.errors import MeterError
from meter.ledger import letters, storing
from meter.ledger.backlog import Backlog, lag_bytes
from meter.ledger.lookahead import Lookahead
from meter.ledger.store import WAIT_S, Ledger, fold
from meter.ledger.storing import Ingested, Step

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Progress = Callable[[int, int], None]

BATCH_BYTES = 8 << 20
CATCHING_UP_BYTES = 128 << 20
"""A batch when much waits: some row groups at once, which are written compressed and go past the WAL."""
CATCHING_UP_FROM = 2 * BATCH_BYTES
FIRST_BYTES = CATCHING_UP_BYTES // 2
"""The first batch of a turn: while it is read nothing is stored, and one of the two cores waits."""
BRIEF_BYTES = 4 << 20
"""A batch when there is little time."""
HOLD_S = 2.0
"""After so long the ledger is let go of for a moment: others wait their turn."""
LONGEST_WAL_BYTES = 64 << 20
"""Folded into the file even while a long ingest goes on."""


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
            letters.revive(con, ledger.home)
            backlog = Backlog.of(ledger.home.spool, partial(storing.checkpoints, con))
            total = total or backlog.lag_bytes
            until = min(time.monotonic() + HOLD_S, deadline or float("inf"))
            for part in _batches(con, ledger, backlog, until, step, is_brief=budget_s is not None):
                done += part
                if progress is not None:
                    progress(min(done.bytes, total), total)
            if done.segments:
                storing.forget(con, list(backlog.positions))
        step("closed")
        if backlog.is_read or done.bytes >= total or (deadline is not None and time.monotonic() >= deadline):
            return replace(done, lag_bytes=lag_bytes(ledger.home.spool, backlog.positions))


def _batches(
    con: DuckDBPyConnection, ledger: Ledger, backlog: Backlog, until: float, step: Step, *, is_brief: bool
) -> Iterator[Ingested]:
    """Store batch after batch, each read while the one before is stored, until the time is over."""

    def is_more() -> bool:
        return not backlog.is_read and time.monotonic() < until

    with Lookahead(con, backlog) as ahead:
        ahead.begin(min(FIRST_BYTES, _size(backlog, is_brief=is_brief)))
        while (prepared := ahead.take()) is not None:
            step("read")
            if not is_brief and is_more():
                ahead.begin(_size(backlog))
            with closing(prepared.batch) as batch:
                part = storing.store(con, batch, prepared.sifted, step)
            fold(con, ledger.home.ledger, LONGEST_WAL_BYTES)
            gone = 0
            for note in batch.notes:
                if note.is_finished:
                    gone += note.segment.delete(read_to=note.position)
                    step("deleted")
            yield replace(part, segments=gone)
            if is_brief and is_more():
                ahead.begin(BRIEF_BYTES)


def _size(backlog: Backlog, *, is_brief: bool = False) -> int:
    if is_brief:
        return BRIEF_BYTES
    return CATCHING_UP_BYTES if backlog.lag_bytes > CATCHING_UP_FROM else BATCH_BYTES
