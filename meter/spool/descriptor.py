"""A file number that stays ours: what it refers to is replaced, the number is not given back while the process lives.

A number that is closed can come back as a file of the host, and a thread that still holds it would write our lines there.
So the number sits high, is replaced by `dup2`, and is checked against the file's identity before every use: the host
may have closed it (a daemon closes all it finds) or put a file of its own there.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from meter.spool import locks

MARK = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NONBLOCK", 0)
"""How our files are opened. O_NONBLOCK does nothing to a regular file: it tells ours from a host's with a reused inode."""

Identity = tuple[int, ...]
"""Mode, inode, device and number of links, as the first four fields of `os.fstat`; empty while nothing is to be written."""


class Descriptor:
    """The number, and what it must refer to."""

    __slots__ = ("__weakref__", "_place", "identity", "number")

    def __init__(self) -> None:
        self.number = -1
        self.identity: Identity = ()
        self._place: Identity = ()

    def is_ours(self) -> bool:
        """Tell whether the number still refers to what we put there."""
        return self._stat() is not None

    def size(self) -> int | None:
        """Return the file's size; None when the number is lost or the file was deleted."""
        stat = self._stat()
        if stat is None or not stat.st_nlink:
            return None
        self.identity = stat[:4]  # somebody changed its mode or made a hard link: no loss
        return stat.st_size

    def refer_to(self, opened: int) -> None:
        """Make the number refer to the file just opened as `opened`, with `MARK`; the latter is used up."""
        self._put(opened)
        self.identity = os.fstat(self.number)[:4]

    def park(self, path: Path | str = os.devnull) -> None:
        """Let go of the file and its lock, and keep the number.

        A thread that has looked at the number and not yet written will write to `path`.
        """
        self.identity = ()
        if not self.is_ours():
            return
        try:
            self._put(os.open(path, MARK))
        except OSError:
            self.close()

    def close(self) -> None:
        """Give the number back. For a writer that nobody can call any more."""
        if self.is_ours():
            with suppress(OSError):
                os.close(self.number)
        self.number, self.identity, self._place = -1, (), ()

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:
        if not ending():  # at the very end the names this needs are gone, and the system closes what is open
            self.close()

    def _put(self, opened: int) -> None:
        place = os.fstat(opened)[1:3]
        if self.is_ours():
            os.dup2(opened, self.number, inheritable=False)
            os.close(opened)
        else:
            self.number = locks.raise_high(opened)
            loser = _owners.get(self.number)
            if loser is not None and loser is not self and loser.number == self.number:
                loser.number = -1  # the host closed it, else the system would not have given it to us
            _owners[self.number] = self
        self._place = place

    def _stat(self) -> os.stat_result | None:
        try:
            stat = os.fstat(self.number)
            return stat if stat[1:3] == self._place and locks.flags(self.number) & MARK == MARK else None
        except OSError:
            return None


_owners: weakref.WeakValueDictionary[int, Descriptor] = weakref.WeakValueDictionary()
