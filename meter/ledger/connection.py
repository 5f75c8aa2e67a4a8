"""`meter.connect()`: the ledger for a notebook, which may stay open all day and never keeps a writer waiting for long.

The ledger is attached for a statement, read-only and under the shared lock, and let go of when nothing was asked for a second. A
result is therefore taken into memory before the statement ends: what is fetched later needs no file.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import duckdb

from meter import home as homes
from meter.errors import LedgerLocked
from meter.home import Home
from meter.ledger import cold
from meter.ledger.ingestion import ingest
from meter.ledger.interruptible import interruptible
from meter.ledger.store import CATALOG, WAIT_S, Ledger, in_memory

INGEST_S = 0.1
IDLE_S = 1.0
"""Let go of the ledger when nothing was asked for so long; and after a statement, when it was held for so long."""

Parameters = Sequence[Any] | Mapping[str, Any] | None

FORMS = frozenset(
    {
        "df",
        "fetchdf",
        "fetch_df",
        "fetchnumpy",
        "pl",
        "arrow",
        "fetch_arrow_table",
        "to_arrow_table",
        "fetch_record_batch",
        "to_arrow_reader",
    }
)
"""What DuckDB can make of a result, as far as the packages for it are installed."""


class Connection:
    """A read-only connection on the views, used like DuckDB's own: execute, then fetch."""

    def __init__(self, ledger: Ledger, *, timeout_s: float = WAIT_S, idle_s: float = IDLE_S) -> None:
        self._ledger, self._timeout_s, self._idle_s = ledger, timeout_s, idle_s
        self._guard = threading.RLock()
        self._con = in_memory(ledger.home)
        self._keeper = self._con.cursor()  # attaches and detaches: the other may hold a result that is half read
        self._attached = ExitStack()
        self._is_attached = False
        self._attached_at = self._used_at = 0.0
        self._timer: threading.Timer | None = None
        self._rows: list[Any] | None = []
        self._description: Any = None
        _OPEN.add(self)

    def execute(self, query: str, parameters: Parameters = None) -> Connection:
        """Run statements; the result of the last is complete when this returns. Ctrl-C ends them.

        Raises LedgerLocked when the ledger is not free within the time-out, LedgerMissing, LedgerTooNew, duckdb.Error.
        """
        with self._guard:
            self._attach()
            try:
                interruptible(self._con, lambda: self._run(query, parameters))
            finally:
                self._used_at = time.monotonic()
                self._rest()
        return self

    sql = query = execute

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        """Return the next rows, up to `size`."""
        with self._guard:
            if self._rows is None:
                return list(self._con.fetchmany(size))
            taken, self._rows = self._rows[:size], self._rows[size:]
            return taken

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        with self._guard:
            if self._rows is None:
                return list(self._con.fetchall())
            taken, self._rows = self._rows, []
            return taken

    @property
    def description(self) -> Any:
        """The result's columns, as in the DB-API."""
        return self._description

    @property
    def columns(self) -> list[str]:
        """The names of the result's columns."""
        return [str(name) for name, *_ in self._description or ()]

    def __repr__(self) -> str:
        """Draw the result as DuckDB does; where there is none, say what this is."""
        with self._guard:
            if self._rows is None:
                return str(self._keeper.sql(f"FROM {_RESULT}"))
            if self._description is None:
                return f"<{type(self).__name__} on the ledger in {self._ledger.home.path}, read-only>"
            return "\n".join("\t".join(map(str, row)) for row in (self.columns, *self._rows))

    def __getattr__(self, name: str) -> Any:
        if name not in FORMS or self._rows is not None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._con, name)

    def cursor(self) -> Connection:
        """Return another connection on the same ledger."""
        return Connection(self._ledger, timeout_s=self._timeout_s, idle_s=self._idle_s)

    def close(self) -> None:
        """Let go of the ledger for good."""
        with self._guard:
            self._detach()
            self._con.close()
            self._keeper.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, query: str, parameters: Parameters) -> None:
        self._con.execute(f"USE {CATALOG}")
        cold.point(self._con)
        statements = self._con.extract_statements(query)
        self._rows, self._description = [], None
        for statement in statements[:-1]:
            self._con.execute(statement)
        for last in statements[-1:]:
            if last.type == duckdb.StatementType.SELECT and self._kept(last.query, parameters):
                self._rows = None
                self._con.execute(f"FROM {_RESULT}")
                self._description = self._con.description
            else:
                self._con.execute(last, parameters)
                self._description = self._con.description
                self._rows = self._con.fetchall() if self._description else []

    def _kept(self, query: str, parameters: Parameters) -> bool:
        """Take the result into memory; not every statement that returns rows can be taken."""
        for source in (query, f"FROM ({query}\n)"):  # DESCRIBE and the like are no query, but can be read from
            with suppress(duckdb.ProgrammingError, duckdb.NotSupportedError):
                self._con.execute(f"CREATE OR REPLACE TABLE {_RESULT} AS {source}", parameters)
                return True
        return False

    def _attach(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_attached:
            self._attached.enter_context(self._ledger.attached(self._keeper, self._timeout_s))
            self._is_attached, self._attached_at = True, time.monotonic()

    def _rest(self) -> None:
        """Let go at once after a long hold, so that a loop of statements gives others their turn; else wait for more."""
        if self._used_at - self._attached_at >= self._idle_s:
            self._detach()
            return
        self._timer = threading.Timer(self._idle_s, _let_go, [weakref.ref(self)])
        self._timer.daemon = True
        self._timer.start()

    def _let_go(self) -> None:
        with self._guard:
            if time.monotonic() - self._used_at >= self._idle_s:
                self._detach()

    def _detach(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._is_attached = False
        self._attached.close()


_RESULT = "memory.main.meter_result"

_OPEN: weakref.WeakSet[Connection] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what a program left open, while that still can be done in order."""
    for con in list(_OPEN):
        con._con.interrupt()  # of a daemon thread that still asks; nobody waits for its answer any more
        con.close()


def _let_go(reference: weakref.ref[Connection]) -> None:
    """Do as the timer says, which keeps no connection alive by itself."""
    if (con := reference()) is not None:
        con._let_go()


def connect(home: Home | None = None, *, timeout_s: float = WAIT_S) -> Connection:
    """Ingest what waits for a tenth of a second, then return a read-only connection on the ledger's views.

    Raises LedgerMissing when nothing was ever recorded, LedgerLocked, LedgerTooNew, SettingInvalid.
    """
    ledger = Ledger(home)
    homes.check(ledger.home)
    if ledger.home.may_write_ledger:
        with suppress(LedgerLocked):  # then the answer is as old as the last ingest
            ingest(ledger, budget_s=INGEST_S)
    con = Connection(ledger, timeout_s=timeout_s)
    try:
        return con.execute("")  # what is wrong with the ledger is said here, not at the first question
    except BaseException:
        con.close()
        raise
