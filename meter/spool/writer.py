"""The writer: one record, one `os.write`, on the calling thread, without a lock; everything rarer goes the slow way round."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import platform
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from meter import guard
from meter.spool import forks, opening, state
from meter.spool.descriptor import Descriptor
from meter.spool.format import (
    MAX_LINE_BYTES,
    SEGMENT_BYTES,
    SEGMENT_SECONDS,
    STATE_SUFFIX,
    frame,
    used_bytes,
)
from meter.spool.state import State, Tally

log = logging.getLogger("meter.spool")

PUBLISH_S = 1.0
"""The state is rewritten with the first record after this long; at once when something was lost."""

REOPEN_S = 0.1
"""A segment that could not be made is tried again after this long: a try costs some 30 µs."""

ROOM_S = 1.0
"""A full folder is measured again after this long: that costs 1.5 µs a file. So often, too, a faulty segment is replaced."""

LOUD_S = 60.0
"""How often a loss is logged."""

WAIT_S = 1.0
"""How long a thread waits for another that opens a segment; after that its record waits in memory instead."""

_FLUSH: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync
_NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class Writer:
    """Appends lines to the spool in `folder`, which must exist. For any thread, finalizer and signal handler, over any fork.

    `first_line` gives each segment's first line; `failures`, counted elsewhere in the process, go out with the state.
    The arguments after `versions` are seams for tests.
    """

    path: Path | None
    """The segment in use."""
    _base: Tally
    _published: Tally

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = 1 << 30,
        sync: bool = False,
        first_line: Callable[[], bytes] | None = None,
        failures: Mapping[str, int] | None = None,
        file_mode: int = 0o600,
        versions: Mapping[str, str] | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = SEGMENT_SECONDS,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[int, bytes], int] = os.write,
        flush: Callable[[int], None] = _FLUSH,
        wait_seconds: float = WAIT_S,
    ) -> None:
        self.folder = Path(folder)
        self._max_bytes, self._sync, self._file_mode = max_bytes, sync, file_mode
        self._first_line, self._failures = first_line, {} if failures is None else failures
        self._versions = {"python": sys.version.split()[0], **(versions or {})}
        # A small spool has small segments, else one process alone could pass the folder's limit several times over.
        self._segment_bytes, self._segment_seconds = min(segment_bytes, max(max_bytes // 8, 4096)), segment_seconds
        self._now, self._clock, self._write, self._flush = now, clock, write, flush
        self._wait_seconds, self._host = wait_seconds, platform.node()
        self._own = Descriptor()
        self._begin({})
        forks.watch(self)

    def append(self, line: bytes) -> bool:
        """Write one line, given without its newline. Never raises; False means lost, and counted as such."""
        record = b"\n" + line.replace(b"\n", b" ") + b"\n"  # as format.frame, whose call would cost as much again
        fault = None
        if self._clock() < self._due and len(line) <= MAX_LINE_BYTES:
            own = self._own
            number = own.number
            try:
                stat = os.fstat(number)
                # Whoever else has that number now must not get our line, and a deleted file would take it along.
                if stat[:4] == own.identity and stat[6] < self._segment_bytes:
                    if self._write(number, record) >= len(record) - 1:  # the next record brings a newline as well
                        next(self._counter)
                        return True
                    fault = "spool.short"
            except OSError as error:
                fault = _name(error)
        return self._append_slowly(record, fault)

    def publish(self) -> None:
        """Write the state now, for the sake of failures that no record follows."""
        with self._lock:
            if not self._busy:
                self._settle(None)
        self._drain()
        self._speak()

    def close(self) -> None:
        """Let go of the segment: a reader may take and delete it. The next append opens another."""
        with self._lock:
            if self._busy:  # called by what this very thread is in the midst of
                return
            self._publish(closed=True)
            if self.path is not None:
                self._own.park(self.path)
            self.path, self._full, self._base = None, False, self._published
            self._due = self._retry_at = 0.0
        self._drain()

    def before_fork(self) -> None:
        """Wait for a thread that opens a segment, so that the child inherits no open file it does not know of."""
        self._lock.acquire(timeout=self._wait_seconds)

    def after_fork_in_parent(self) -> None:
        """Let the other threads go on."""
        with suppress(RuntimeError):  # not ours: the wait was in vain
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start without the parent's segment. Its lock is the parent's too, so it is closed and never unlocked."""
        self._own.park()
        self._begin(self._failures)

    def _begin(self, failures_so_far: Mapping[str, int]) -> None:
        self._lock = threading.RLock()
        self._busy = False
        self._pending: deque[bytes] = deque()
        self.path = None
        self._full = False
        self._due = self._rotate_at = self._retry_at = self._publish_at = self._loud_at = 0.0
        self._opened_at = self._started = 0.0
        self._counter, self._peeks = itertools.count(), 0
        self._lost = self._lost_bytes = self._mourned = self._seq = 0
        self._faults: Counter[str] = Counter()
        self._why = ""
        self._base = self._published = Tally(failures=Counter(failures_so_far))

    def _append_slowly(self, record: bytes, fault: str | None) -> bool:
        kept = True
        if not self._lock.acquire(timeout=self._wait_seconds):
            self._pending.append(record)
        else:
            try:
                if self._busy:  # a finalizer or a signal handler: written when the work that it interrupts is done
                    self._pending.append(record)
                else:
                    kept = self._settle(record, fault)
            finally:
                self._lock.release()
        self._drain()
        self._speak()
        return kept

    def _drain(self) -> None:
        """Write what waits in memory; whoever holds the lock comes here after, so nothing stays behind."""
        while self._pending and self._lock.acquire(blocking=False):
            try:
                if self._busy or not self._pending:
                    return
                self._settle(self._pending.popleft())
            finally:
                self._lock.release()

    def _settle(self, record: bytes | None, fault: str | None = None) -> bool:
        """Do what is due, write the record, and say when the next thing is due."""
        self._busy = True
        try:
            if fault is not None:
                self._faults[fault] += 1
            kept = self._ready() if record is None else self._store(record)
            if record is None or self._lost != self._published.lost or self._clock() >= self._publish_at:
                self._publish()
            by_hand = self._sync or self._full or self.path is None
            self._due = 0.0 if by_hand else min(self._rotate_at, self._publish_at)
        finally:
            self._busy = False
        return kept

    def _store(self, record: bytes) -> bool:
        if len(record) > MAX_LINE_BYTES + 2:
            self._blame("spool.oversized", f"a line of {len(record) - 2} bytes is longer than {MAX_LINE_BYTES}")
        elif self._try_twice(record):
            next(self._counter)
            return True
        self._lost += 1
        self._lost_bytes += len(record)
        return False

    def _try_twice(self, record: bytes) -> bool:
        for _ in range(2):
            if not self._ready():
                return False
            try:
                written = self._write(self._own.number, record)
            except OSError as error:
                self._blame_error(error)
                if error.errno in _NO_ROOM:
                    return False
                continue
            if written >= len(record) - 1:
                self._flush_record()
                return True
            self._blame("spool.short", f"{written} of {len(record)} bytes written")
        return False

    def _flush_record(self) -> None:
        if self._sync:
            try:
                self._flush(self._own.number)
            except OSError as error:  # the record is written, though not yet on the disk
                self._blame("spool.sync", str(error))

    def _ready(self) -> bool:
        """See to it that there is a segment to write to, and that it is neither old nor long."""
        clock = self._clock()
        size = None if self.path is None else self._own.size()
        usable = size is not None and not self._full
        if usable and size is not None and size < self._segment_bytes and clock < self._rotate_at:
            return True
        if clock < self._retry_at:
            return usable
        try:
            full = used_bytes(self.folder) >= self._max_bytes
            if full:
                self._blame("spool.full", f"{self.folder} holds its limit of {self._max_bytes} bytes: run meter ingest")
            if not (full and self._full and size is not None):
                self._replace(clock, full)
            self._retry_at = clock + ROOM_S if full else 0.0
        except OSError as error:
            self._blame_error(error)
            self._retry_at = clock + REOPEN_S
            return usable
        return not full

    def _replace(self, clock: float, full: bool) -> None:
        """Take a new segment. In a full folder it takes no lines, only the count of what is lost, and frees the old one."""
        started = self._now()
        first = None if full else self._first_record()
        fresh = state.encode(self._state(Tally(), started, 0))
        opened, path = opening.create(
            self.folder, mode=self._file_mode, state_data=fresh, first=first, write=self._write
        )
        if self._sync:
            opening.sync_folder(self.folder)
        self._publish(closed=True)
        self._own.refer_to(opened)  # a thread that writes just now writes to the old one or the new one: both are good
        self.path, self._full, self._base = path, full, self._published
        self._started, self._opened_at = started, clock
        self._rotate_at, self._publish_at = clock + self._segment_seconds, 0.0
        if first is not None:
            next(self._counter)

    def _first_record(self) -> bytes | None:
        with guard.shield("spool.first_line"):
            if self._first_line is not None and len(line := self._first_line()) <= MAX_LINE_BYTES:
                return frame(line)
        return None

    def _publish(self, *, closed: bool = False) -> None:
        size = None if self.path is None else self._own.size()
        if self.path is None or size is None:
            return  # whoever lost the segment may not touch its state: a reader may be deleting both
        total = self._tally()
        self._seq += 1
        self._publish_at = self._clock() + PUBLISH_S
        data = state.encode(self._state(total.since(self._base), self._started, size, closed))
        try:
            state.write(self.path.with_suffix(STATE_SUFFIX), data, self._file_mode)
        except OSError as error:
            self._faults[_name(error)] += 1
        else:
            self._published = total

    def _state(self, share: Tally, started: float, size: int, closed: bool = False) -> State:
        return State(
            seq=self._seq,
            end=self._seq,
            pid=os.getpid(),
            host=self._host,
            started=int(started * 1_000_000),
            updated=int(self._now() * 1_000_000),
            closed=closed,
            bytes_written=size,
            lines=share.lines,
            lost=share.lost,
            lost_bytes=share.lost_bytes,
            failures=dict(share.failures),
            versions=self._versions,
        )

    def _tally(self) -> Tally:
        lines = next(self._counter) - self._peeks  # the only way to read a counter that threads advance without a lock
        self._peeks += 1
        return Tally(lines, self._lost, self._lost_bytes, Counter(self._failures) + self._faults)

    def _blame_error(self, error: OSError) -> None:
        self._blame(_name(error), str(error))
        if error.errno not in _NO_ROOM:  # a new segment may do better
            self._rotate_at = min(self._rotate_at, self._opened_at + ROOM_S)

    def _blame(self, fault: str, why: str) -> None:
        self._faults[fault] += 1
        self._why = why

    def _speak(self) -> None:
        """Log what was lost, outside the lock: a handler may do anything."""
        if self._lost == self._mourned or self._clock() < self._loud_at:
            return
        self._loud_at, self._mourned = self._clock() + LOUD_S, self._lost
        message = "%d records lost so far: %s. The model calls are unaffected"
        guard.tell(log, logging.ERROR, message, self._lost, self._why)


def _name(error: OSError) -> str:
    return f"spool.{errno.errorcode.get(error.errno or 0, 'unknown')}"
