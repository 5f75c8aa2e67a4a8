"""Compaction: the ledger's file written anew, in the order of time, without what was deleted.

DuckDB fills the room of deleted rows again but seldom gives it back, and calls that came late lie far from those of their time.
The new file is written beside the old one, compared with it table by table, synced, and renamed over it. All that while the
ledger's lock is held, and DuckDB's own too: the old file stays attached until the new one has its name. Before that its WAL is
folded into it, since a WAL is found by its name and would be taken for the new file's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from meter.errors import MeterError, unwritten
from meter.ledger import cold, fingerprint
from meter.ledger.interruptible import interruptible
from meter.ledger.memory import bound_memory
from meter.ledger.parquet import sync
from meter.ledger.store import CATALOG, ROW_GROUP_ROWS, STORAGE_VERSION, Ledger, detach, wal_of
from meter.ledger.tidying import id_from
from meter.ledger.transaction import counted, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Step = Callable[[str], None]
Progress = Callable[[int, int], None]

NEW = "compacted"
SUFFIX = ".compact"
SLICE_ROWS = 1_000_000
"""So many calls, of whole days, are sorted at once: memory does not grow with the ledger."""
SPARE_BYTES = 64 << 20
"""Room beyond the new file's, for sorting and for what comes meanwhile."""

ORDERED = {"ledger.calls": ("started_at", "started_at, id"), "ledger.raw_usage": ("id", "id")}
"""Tables that are written in order: the column of the slices' bounds, and the order."""


@dataclass(frozen=True)
class Compacted:
    """The file's size before and after."""

    before_bytes: int
    after_bytes: int


@dataclass(frozen=True)
class Table:
    """A table to be copied."""

    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def key(self) -> str:
        """Its name, for people."""
        return f"{self.schema}.{self.name}"

    def of(self, catalog: str) -> str:
        """Return its name in one of the two files."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in (catalog, self.schema, self.name))


def compact(
    ledger: Ledger,
    *,
    progress: Progress | None = None,
    step: Step = lambda _: None,
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> Compacted:
    """Write the ledger's file anew. Whoever reads or writes waits meanwhile, and a kill leaves the file as it was.

    `progress` is told rows written and rows in all. Raises MeterError without room on the disk, LedgerLocked, ColdFileMissing.
    """
    path = ledger.home.ledger.resolve()  # a link to the file stays one
    with ledger.writing() as con:
        cold.check(cold.months(con))
        bound_memory(con)
        new = path.with_name(path.name + SUFFIX)
        _remove(new)
        con.execute("FORCE CHECKPOINT")
        before = path.stat().st_size
        _check_room(con, path.parent, free(path.parent))
        with _removed_on_error(new):
            _write(con, new, ledger.home.ledger_mode, progress or (lambda _done, _total: None), step)
            step("written")
            _replace(con, new, path, wal_of(ledger.home.ledger))
            step("renamed")
        return Compacted(before, path.stat().st_size)


def _check_room(con: DuckDBPyConnection, folder: Path, free_bytes: int) -> None:
    sizes = con.execute("SELECT database_name, block_size * used_blocks FROM pragma_database_size()").fetchall()
    needed = dict(sizes)[CATALOG] + SPARE_BYTES
    if free_bytes < needed:
        raise MeterError(
            f"no room to write the ledger anew: {folder} has {free_bytes >> 20:,} MiB free of the {needed >> 20:,} needed",
            hint="free room there, or move old months out first: meter export --parquet FOLDER --before MONTH",
        )


def _write(con: DuckDBPyConnection, new: Path, mode: int, progress: Progress, step: Step) -> None:
    """Copy everything, and compare it."""
    try:
        options = f"ROW_GROUP_SIZE {ROW_GROUP_ROWS}, STORAGE_VERSION '{STORAGE_VERSION}'"
        con.execute(f"ATTACH {quoted(new)} AS {NEW} ({options})")
        new.chmod(mode)
        con.execute(f"COPY FROM DATABASE {CATALOG} TO {NEW} (SCHEMA)")
        tables = _tables(con)
        interruptible(con, lambda: _copy(con, tables, progress))
        con.execute(f"CHECKPOINT {NEW}")
        step("copied")
        for table in tables:
            if interruptible(con, partial(_differs, con, table)):
                raise MeterError(
                    f"the new file is not what was written: {table.key} differs",
                    hint="the ledger is as it was; look at the disk, then try again",
                )
        step("verified")
        con.execute(f"DETACH {NEW}")
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        _, why = unwritten(error) or (new, str(error).splitlines()[0])
        raise MeterError(
            f"the ledger cannot be written anew: {why}",
            hint="it is as it was; free room on its disk",
        ) from error


def _differs(con: DuckDBPyConnection, table: Table) -> bool:
    """Tell whether the two tables differ in number or any value; the calls' amounts are summed, too."""
    if table.key == "ledger.calls":
        old, new = (fingerprint.of_calls(con, f"FROM {table.of(catalog)}") for catalog in (CATALOG, NEW))
        return old != new
    before, after = (fingerprint.of_table(con, table.of(catalog), table.columns) for catalog in (CATALOG, NEW))
    return before != after


def _copy(con: DuckDBPyConnection, tables: Sequence[Table], progress: Progress) -> None:
    counts = [con.execute(f"SELECT count(*) FROM {table.of(CATALOG)}").fetchall()[0][0] for table in tables]
    done, total = 0, sum(counts)
    bounds = _bounds(con)
    for table in tables:
        for part in _parts(table, bounds):
            done += counted(con, f"INSERT INTO {table.of(NEW)} {part}")
            progress(done, total)


def _parts(table: Table, bounds: Sequence[datetime]) -> Iterator[str]:
    """Yield the queries that together give a table's rows, in order where it matters."""
    if table.key not in ORDERED:
        yield f"FROM {table.of(CATALOG)}"
        return
    column, order = ORDERED[table.key]
    edges = [
        f"'{id_from(bound)}'::UUID" if column == "id" else f"'{bound.isoformat()}'::TIMESTAMPTZ" for bound in bounds
    ]
    for low, high in zip([None, *edges], [*edges, None], strict=True):
        conditions = [f"{column} >= {low}"] * bool(low) + [f"{column} < {high}"] * bool(high)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        yield f"SELECT * FROM {table.of(CATALOG)}{where} ORDER BY {order}"


def _bounds(con: DuckDBPyConnection) -> list[datetime]:
    """Return the days that part the calls into slices of about SLICE_ROWS."""
    bounds: list[datetime] = []
    rows = 0
    for day, calls in con.execute(
        "SELECT date_trunc('day', started_at) AS day, count(*) FROM ledger.calls GROUP BY day ORDER BY day"
    ).fetchall():
        if rows and rows + calls > SLICE_ROWS:
            bounds.append(day)
            rows = 0
        rows += calls
    return bounds


def _tables(con: DuckDBPyConnection) -> list[Table]:
    """Return all tables: those of others, too."""
    found = con.execute(
        """
        SELECT schema_name, table_name, list(column_name ORDER BY column_index)
        FROM duckdb_columns()
        JOIN duckdb_tables() AS tables USING (database_name, schema_name, table_name)
        WHERE database_name = $catalog AND NOT tables.internal
        GROUP BY ALL
        ORDER BY ALL
        """,
        {"catalog": CATALOG},
    ).fetchall()
    return [Table(schema, name, tuple(columns)) for schema, name, columns in found]


def _replace(con: DuckDBPyConnection, new: Path, path: Path, wal: Path) -> None:
    """Give the new file the name of the old one, which is let go of after that."""
    for left in (wal, wal_of(new)):
        with suppress(FileNotFoundError):
            if left.stat().st_size:
                raise AssertionError(f"{left} holds what is not in its file")
            left.unlink()
    sync(new)
    new.rename(path)
    sync(path.parent)
    detach(con)


@contextmanager
def _removed_on_error(new: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _remove(new)
        raise


def _remove(new: Path) -> None:
    for file in (new, wal_of(new)):
        with suppress(FileNotFoundError):
            file.unlink()
