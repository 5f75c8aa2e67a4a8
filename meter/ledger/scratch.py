"""A nameless file for lines on their way to DuckDB: in memory where there are such, else a temporary one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO

from meter.errors import MeterError


class Scratch:
    """The file, and a path that opens it again. Whatever cannot be written ends the batch: MeterError, never a part of it."""

    def __init__(self) -> None:
        self._place = "memory" if hasattr(os, "memfd_create") else tempfile.gettempdir()
        with _said(self._place), ExitStack() as closing:
            self.file, self.path = _open(closing)
            self._closing = closing.pop_all()

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._closing.close()

    def write(self, data: bytes) -> None:
        """Append."""
        with _said(self._place):
            self.file.write(data)

    def sealed(self) -> str:
        """Return the path of what was written."""
        with _said(self._place):
            self.file.flush()
        return self.path


def _open(closing: ExitStack) -> tuple[BinaryIO, str]:
    if hasattr(os, "memfd_create"):
        file: BinaryIO = os.fdopen(os.memfd_create("meter-batch"), "w+b")
        closing.callback(_close, file)
        return file, f"/proc/self/fd/{file.fileno()}"
    descriptor, name = tempfile.mkstemp(prefix="meter-batch-", suffix=".ndjson")
    closing.callback(os.unlink, name)
    named: BinaryIO = os.fdopen(descriptor, "w+b")
    closing.callback(_close, named)
    return named, name


def _close(file: BinaryIO) -> None:
    with suppress(OSError):  # closing writes what a full disk has already refused
        file.close()


@contextmanager
def _said(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MeterError(
            f"no room to read the spool: a batch does not fit into {place} ({error.strerror or error})",
            hint=f"free room in {place}, or lift the limit on file sizes (ulimit -f); the spool waits, nothing is lost",
        ) from error
