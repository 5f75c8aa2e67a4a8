"""Turns at the ledger: `flock` on a file beside it, exclusive to write, shared to read, taken BEFORE the ledger is opened.

DuckDB's own lock is a POSIX record lock, and any `open().close()` of the ledger inside the process drops it without a word; two
writers then lose committed rows. `flock` belongs to the open file: nothing but its own closing drops it. So every process of
ours takes this lock first, and the order of locks is always: turn, ledger.lock, DuckDB's own.

`flock` has no queue: readers whose holds overlap could keep a writer out for ever. Hence the turn, a second file: whoever waits
holds it alone, and newcomers wait behind. Windows has no `flock`; there DuckDB's own lock cannot be dropped, and it is enough.
"""

from __future__ import annotations

import errno
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from meter.errors import LedgerLocked, MeterError

PAUSE_S = 0.02
"""Between two attempts: a batch takes about twice as long."""

LOCKS = Path("/proc/locks")
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


def _load() -> Any:
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    return fcntl


fcntl = _load()


@contextmanager
def held(
    path: Path,
    *,
    exclusive: bool,
    timeout_s: float,
    mode: int = 0o600,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold the lock; wait for it up to `timeout_s`.

    Raises LedgerLocked, naming who holds it where that can be known.
    """
    if fcntl is None:
        yield
        return
    deadline = clock() + timeout_s
    with ExitStack() as opened:
        turn, lock = (opened.enter_context(_open(file, mode)) for file in (path.with_suffix(".turn"), path))
        for descriptor, alone in ((turn, True), (lock, exclusive)):
            while not _take(descriptor, exclusive=alone):
                if clock() >= deadline:
                    raise LedgerLocked(_who(path, timeout_s), hint=HINT)
                pause(PAUSE_S)
        fcntl.flock(turn, fcntl.LOCK_UN)
        if exclusive:
            opened.enter_context(_signed(lock))
        yield


def holders(path: Path, locks: Path = LOCKS) -> list[int]:
    """Return the processes that hold a lock on the file, of any kind; empty where the system does not tell."""
    try:
        stat = path.stat()
        lines = locks.read_text("ascii", "replace").splitlines()
    except OSError:
        return []
    place = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}:{stat.st_ino}"
    entries = (line.split() for line in lines if "->" not in line)  # the arrow marks those that wait
    return sorted({int(entry[4]) for entry in entries if len(entry) > 5 and entry[5] == place and int(entry[4]) > 0})


HINT = "close what holds it (a notebook, another meter command, an agent), or wait and try again; meter status shows who it is"


@contextmanager
def _open(path: Path, mode: int) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode)
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        descriptor = _open_as_it_is(path)
    try:
        with suppress(OSError):  # another user's file has its mode already
            os.fchmod(descriptor, mode)  # the mode above passes through the umask
        yield descriptor
    finally:
        os.close(descriptor)


def _open_as_it_is(path: Path) -> int:
    """Open the file of one who may only read. A lock on it counts all the same, on a read-only mount too."""
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise MeterError(
            f"the ledger in {path.parent} cannot be read: {path.name} is missing, and cannot be made there",
            hint="run meter status once as one who may write there",
        ) from error


def _take(descriptor: int, *, exclusive: bool) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _signed(descriptor: int) -> Iterator[None]:
    """Leave the holder's name in the file: the system's list is not there everywhere, nor across containers."""
    with suppress(OSError):  # the name is for people: a full disk refuses it, and the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} on {platform.node()}".encode(), 0)
    try:
        yield
    finally:
        os.ftruncate(descriptor, 0)


def _who(path: Path, timeout_s: float) -> str:
    with suppress(OSError):
        if name := path.read_text("utf-8", "replace").strip():
            return f"the ledger in {path.parent} is being written by process {name}; waited {timeout_s:g} s"
    found = [pid for pid in holders(path) if pid != os.getpid()]
    pids = ", ".join(map(str, found)) or "unknown"
    return f"the ledger in {path.parent} is held by another process (pid {pids}); waited {timeout_s:g} s"
