"""Making a segment: all of it or nothing, so that a full disk leaves no litter and the old segment stays in use."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from meter.spool import locks, state
from meter.spool.descriptor import MARK
from meter.spool.format import SEGMENT_SUFFIX, STATE_SUFFIX, new_name

_NEW = MARK | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_TRIES = 8


def create(
    folder: Path,
    *,
    mode: int,
    state_data: bytes,
    first: bytes | None,
    write: Callable[[int, bytes], int] = os.write,
    share: Callable[[int], bool] = locks.share,
) -> tuple[int, Path]:
    """Make a segment and its state, locked and with its first record; return the descriptor and the path."""
    for _ in range(_TRIES):
        path = folder / (new_name() + SEGMENT_SUFFIX)
        descriptor = os.open(path, _NEW, mode)
        try:
            # A reader that looked between the two lines above found no lock: it may hold the file, or have deleted it.
            if share(descriptor) and os.fstat(descriptor).st_nlink:
                state.set_mode(descriptor, mode)
                _fill(descriptor, path, mode, state_data, first, write)
                return descriptor, path
        except BaseException:
            _undo(descriptor, path)
            raise
        _undo(descriptor, path)
    raise OSError(errno.EAGAIN, f"a reader held each of {_TRIES} new segments")


def sync_folder(folder: Path) -> None:
    """Make new names in the folder survive a power cut."""
    if os.name == "nt":  # pragma: no cover
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(
    descriptor: int, path: Path, mode: int, state_data: bytes, first: bytes | None, write: Callable[[int, bytes], int]
) -> None:
    if first is not None and write(descriptor, first) < len(first):
        raise OSError(errno.ENOSPC, "no room for a segment's first line")
    state.write(path.with_suffix(STATE_SUFFIX), state_data, mode)


def _undo(descriptor: int, path: Path) -> None:
    os.close(descriptor)
    for litter in (path.with_suffix(STATE_SUFFIX), path):
        with suppress(OSError):
            litter.unlink(missing_ok=True)
