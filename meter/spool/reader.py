"""Reading the spool: which segments there are, their whole lines, and when one may go."""

from __future__ import annotations

import os
import platform
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from meter.spool import locks
from meter.spool import state as states
from meter.spool.format import SEGMENT_SUFFIX, STATE_SUFFIX, WINDOW_BYTES
from meter.spool.regular import open_regular
from meter.spool.state import State

_NAME = re.compile("[0-9a-f]+")


@dataclass(frozen=True)
class Window:
    """What one look at a segment gave: whole lines, and how far the checkpoint moves.

    `skipped` says why `taken` bytes without a newline are passed over: one dead letter.
    """

    data: bytes
    taken: int
    skipped: str | None = None


def whole_lines(segment: BinaryIO, checkpoint: int, limit: int = WINDOW_BYTES) -> bytes:
    """Return the bytes from the checkpoint to the last newline; a torn tail waits for the next read."""
    segment.seek(checkpoint)
    data = segment.read(limit)
    return data[: data.rfind(b"\n") + 1]


def read_window(segment: BinaryIO, checkpoint: int, limit: int = WINDOW_BYTES, *, final: bool = False) -> Window:
    """Return the whole lines of one window, never stuck: a full window without a newline is passed over.

    With `final` (the writer is gone) a tail without a newline counts as a line: it is whole, but for its newline, or torn.
    """
    segment.seek(checkpoint)
    data = segment.read(limit)
    if whole := data.rfind(b"\n") + 1:
        return Window(data[:whole], whole)
    if len(data) == limit:
        return Window(b"", limit, f"no newline in {limit} bytes at offset {checkpoint}")
    if final and data:
        return Window(data + b"\n", len(data))
    return Window(b"", 0)


@dataclass
class Segment:
    """One file of the spool, as it was when listed. What is no file of a writer's is not readable, whatever its mode."""

    path: Path
    name: str
    size: int
    readable: bool

    @property
    def state_path(self) -> Path:
        """Where its state lies."""
        return self.path.with_suffix(STATE_SUFFIX)

    def state(self) -> State | None:
        """Return its writer's state; None when that is missing or cannot be read, and the segment can all the same."""
        return states.read(self.state_path)

    def open(self) -> BinaryIO:
        """Open it for reading, unbuffered. Raises OSError, also when it was replaced by something else than a file."""
        return os.fdopen(open_regular(self.path), "rb", buffering=0)

    def writer_is_gone(self) -> bool:
        """Tell whether nobody can append any more.

        Ask first, then read to the end, then delete: a line may land in between.
        """
        try:
            descriptor = open_regular(self.path)
        except OSError:
            return False
        try:
            return self._is_left(descriptor)
        finally:
            os.close(descriptor)

    def delete(self, read_to: int | None = None) -> bool:
        """Remove the segment and its state; False, and nothing done, when a writer lives or the size is not `read_to`.

        Without `read_to` the size when listed counts as read.
        """
        try:
            descriptor = open_regular(self.path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        read_to = self.size if read_to is None else read_to
        try:
            # The lock is kept until the name is gone: a writer that comes late finds it taken, or no name.
            if not self._is_left(descriptor) or os.fstat(descriptor).st_size != read_to:
                return False
            # The state goes first, so that a kill between the two leaves no state without a segment.
            if not _unlink(self.state_path):
                return False
            done = _unlink(self.path)
        finally:
            os.close(descriptor)
        return done or _unlink(self.path)  # Windows deletes no open file

    def _is_left(self, descriptor: int) -> bool:
        taken = locks.take(descriptor)
        if taken is not None:
            return taken
        state = self.state()
        return state is not None and state.host == platform.node() and not locks.is_alive(state.pid)


def segments(folder: Path, scan: Callable[[Path], Iterable[os.DirEntry[str]]] = os.scandir) -> list[Segment]:
    """Return the spool's segments, oldest change first; one that may not be read is listed as such."""
    found = []
    try:
        entries = scan(folder)
    except FileNotFoundError:
        return []
    for entry in entries:
        if not entry.name.endswith(SEGMENT_SUFFIX):
            continue
        try:
            found_now = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # deleted by another reader since it was listed
            continue
        path = Path(entry.path)
        is_ours = stat.S_ISREG(found_now.st_mode) and _NAME.fullmatch(path.stem) is not None
        segment = Segment(path, path.stem, found_now.st_size, is_ours and os.access(path, os.R_OK))
        found.append((found_now.st_mtime_ns, segment))
    return [segment for _, segment in sorted(found, key=lambda pair: (pair[0], pair[1].name))]


def _unlink(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
