"""Cold months: calls that were moved out of the ledger's file, and the views that read both.

`ledger.all_calls` and `ledger.all_raw_usage` are the tables alone while nothing is cold. They name the files by absolute paths,
since any tool may read them, and are made anew when the set of files changes or the home has moved. A connection of ours that may
not do that says by a variable where the files are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import duckdb

from meter.errors import ColdFileMissing
from meter.ledger.transaction import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

VARIABLE = "meter_cold_files"

_MONTHS = """
SELECT month, path, bytes, calls, min_id, max_id
FROM ledger.cold_months
WHERE state = 'cold'
ORDER BY month
"""
_FOLDER = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"


@dataclass(frozen=True)
class ColdMonth:
    """A month whose calls are in a file of their own."""

    month: date
    path: Path
    bytes: int
    calls: int
    min_id: UUID
    max_id: UUID

    @property
    def fault(self) -> str | None:
        """Say what is wrong with the file, if anything is."""
        try:
            found = self.path.stat().st_size
        except OSError as error:
            return f"cannot be read ({error.strerror})"
        return None if found == self.bytes else f"has {found:,} bytes instead of {self.bytes:,}"


def folder(con: DuckDBPyConnection) -> Path:
    """Return the folder of the ledger that is attached."""
    ((path,),) = con.execute(_FOLDER).fetchall()
    return Path(path).resolve().parent


def months(con: DuckDBPyConnection) -> list[ColdMonth]:
    """Return the cold months; none in a ledger of a schema that has no place for them."""
    try:
        found = con.execute(_MONTHS).fetchall()
    except duckdb.CatalogException:
        return []
    if not found:
        return []
    place = folder(con)
    return [ColdMonth(month, place / path, *rest) for month, path, *rest in found]


def check(found: Sequence[ColdMonth]) -> None:
    """Raise ColdFileMissing for the first file that is not there, or is not the one that was written."""
    for one in found:
        if fault := one.fault:
            raise ColdFileMissing(
                f"the calls of {one.month:%Y-%m} are in {one.path}, which {fault}",
                hint="put the file back there, from a backup where need be; if it is lost for good, go on without its "
                f"{one.calls:,} calls: meter export --forget {one.month:%Y-%m}",
            )


def point(con: DuckDBPyConnection) -> None:
    """Tell a connection that reads where the files are by now. Raises ColdFileMissing."""
    if found := months(con):
        check(found)
        con.execute(f"SET VARIABLE {VARIABLE} = {_listed(found)}")


def span(con: DuckDBPyConnection) -> None:
    """Make the two views for the files that are cold. The files must be there."""
    _make(con, months(con))


def span_without_missing(con: DuckDBPyConnection) -> None:
    """Before the schema changes: let the views be bound though a file is missing. Who reads is told of it all the same."""
    found = months(con)
    if any(one.fault for one in found):
        _make(con, [one for one in found if one.fault is None])


def _make(con: DuckDBPyConnection, found: Sequence[ColdMonth]) -> None:
    calls, raw = "FROM ledger.calls", "FROM ledger.raw_usage"
    if found:
        files = f"read_parquet(coalesce(getvariable('{VARIABLE}'), {_listed(found)}), union_by_name = true)"
        calls += f" UNION ALL BY NAME SELECT * EXCLUDE (raw) FROM {files}"
        raw += f" UNION ALL SELECT id, raw FROM {files} WHERE raw IS NOT NULL"
    con.execute(f"CREATE OR REPLACE VIEW ledger.all_calls AS {calls}")
    con.execute(f"CREATE OR REPLACE VIEW ledger.all_raw_usage AS {raw}")


def ids(con: DuckDBPyConnection, low: UUID, high: UUID) -> str:
    """Return the statements, each after UNION ALL, that list the ids in a range which cold files hold; mostly none.

    Raises ColdFileMissing: without the file nobody knows whether a call was counted.
    """
    near = [one for one in months(con) if one.min_id <= high and one.max_id >= low]
    check(near)
    return "".join(
        f"UNION ALL SELECT id FROM read_parquet({literal(one.path)}) WHERE id BETWEEN '{low}'::UUID AND '{high}'::UUID "
        for one in near
    )


def literal(path: Path) -> str:
    """Return a file's path for read_parquet, which would take it for a pattern."""
    return quoted(_pattern(path))


def readable(con: DuckDBPyConnection) -> list[str]:
    """Return what a connection without access to files must still be allowed to read, in the words of `allowed_paths`."""
    return [name for month in months(con) for name in (str(month.path), _pattern(month.path))]


def _pattern(path: Path) -> str:
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _listed(found: Sequence[ColdMonth]) -> str:
    return f"[{', '.join(literal(one.path) for one in found)}]"
