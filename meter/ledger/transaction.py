"""Helpers for statements: all or nothing, how many rows, and a text inside SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@contextmanager
def transaction(con: DuckDBPyConnection) -> Iterator[None]:
    """Commit what is done inside, or none of it."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # what went wrong matters, not that there is nothing left to undo
            con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def counted(con: DuckDBPyConnection, statement: str) -> int:
    """Run a statement that changes rows, and return how many."""
    ((count,),) = con.execute(statement).fetchall()
    return int(count)


def quoted(text: object) -> str:
    """Return the text as an SQL literal, for the places that take no parameter."""
    return "'" + str(text).replace("'", "''") + "'"
