"""Reading ahead: while one batch is stored the next is read, so that a backlog keeps two cores busy.

Each batch is read into tables of its own (`incoming` and what goes with it), in one of two schemas of an in-memory database
that both connections see. The one that stores finds them by its search path.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meter.ledger import incoming
from meter.ledger.backlog import Backlog
from meter.ledger.batch import Batch
from meter.ledger.incoming import Sifted
from meter.ledger.store import CATALOG

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STAGING = "staging"
SLOTS = 2


@dataclass(frozen=True)
class Prepared:
    """A batch that was read."""

    batch: Batch
    sifted: Sifted


class Lookahead:
    """Reads one batch ahead of the connection that stores."""

    def __init__(self, con: DuckDBPyConnection, backlog: Backlog) -> None:
        self._storing, self._backlog = con, backlog
        self._turn = 0
        self._reading: Future[Prepared] | None = None
        self._closing = ExitStack()
        con.execute(f"ATTACH ':memory:' AS {STAGING}")
        for slot in range(SLOTS):
            con.execute(f"CREATE SCHEMA {STAGING}.slot{slot}")
        self._con = self._closing.enter_context(con.cursor())
        self._pool = self._closing.enter_context(ThreadPoolExecutor(1, "meter-lookahead"))

    def __enter__(self) -> Lookahead:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()
        if self._reading is not None and self._reading.exception() is None:
            self._reading.result().batch.close()

    def begin(self, size: int) -> None:
        """Begin to read the next batch. Leave the backlog alone until it is taken."""
        self._turn += 1
        self._reading = self._pool.submit(self._read, size, f"{STAGING}.slot{self._turn % SLOTS}")

    def take(self) -> Prepared | None:
        """Wait for the batch that was begun, if any, and let the storing connection see its tables."""
        if self._reading is None:
            return None
        prepared, self._reading = self._reading.result(), None
        self._storing.execute(f"SET search_path = '{CATALOG}.main,{STAGING}.slot{self._turn % SLOTS}'")
        return prepared

    def _read(self, size: int, slot: str) -> Prepared:
        batch = Batch()
        try:
            self._backlog.fill(batch, size)
            self._con.execute(f"USE {slot}")
            return Prepared(batch, incoming.read(self._con, batch) if batch.extents else Sifted(0, []))
        except BaseException:
            batch.close()
            raise
