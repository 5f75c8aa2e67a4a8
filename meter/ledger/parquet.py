"""Writing a Parquet file so that it is whole, or not there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from meter.errors import MeterError, unwritten
from meter.home import Home
from meter.ledger.interruptible import interruptible
from meter.ledger.memory import bound_memory
from meter.ledger.transaction import counted, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def write(con: DuckDBPyConnection, rows: str, order: str, path: Path) -> int:
    """Write what a query gives, in order, and return how many rows that were. Raises MeterError where there is no room."""
    statement = f"COPY ({rows} ORDER BY {order}) TO {quoted(path)} (FORMAT parquet, COMPRESSION zstd)"
    bound_memory(con)
    try:
        return interruptible(con, lambda: counted(con, statement))
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:  # the latter: no room for temporary files
        _, why = unwritten(error) or (path, str(error).splitlines()[0])
        raise MeterError(
            f"{path} cannot be written: {why}",
            hint="the ledger is as it was; free room there, or name another folder: meter export --parquet FOLDER …",
        ) from error


@contextmanager
def beside(path: Path, home: Home) -> Iterator[Path]:
    """Hand out a place beside the file; what was written there is on the disk and has the name and mode when this ends."""
    part = part_of(path)
    try:
        yield part
        part.chmod(home.ledger_mode)
        sync(part)
        part.rename(path)
        sync(path.parent)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def part_of(path: Path) -> Path:
    """Return where a file is written before it has its name."""
    return path.with_name(path.name + ".part")


def sync(path: Path) -> None:
    """Wait until a file, or a folder's names, are on the disk: the rows are deleted next."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            found.update(part)
    return found.hexdigest()


def made(folder: Path, home: Home) -> Path:
    """Return the folder, made where needed. Raises OSError where it cannot be."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o2770 if home.shared else 0o700)
    return folder.resolve()
