"""Names, sizes and framing: what a writer and a reader must agree on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

SEGMENT_SUFFIX = ".ndjson"
STATE_SUFFIX = ".state"

MAX_LINE_BYTES = 4 << 20
"""Longest line a writer takes: half a reader's window, so that a window without a newline is never a good line."""

WINDOW_BYTES = 8 << 20
"""How much a reader takes at a time; never less than `MAX_LINE_BYTES` and its two newlines."""

SEGMENT_BYTES = 4 << 20
"""A segment this long is replaced, so that a reader can delete it."""

SEGMENT_SECONDS = 600.0
"""A segment this old is replaced at the next record, for the same reason."""

STATE_BYTES = 4096
"""Size of a state file, from its first byte on: rewriting it needs no room on a full disk."""


def new_name() -> str:
    """Return a segment's name: 128 random bits from the system, unique over hosts and never used again."""
    return os.urandom(16).hex()


def frame(line: bytes) -> bytes:
    """Return the record as written. A newline inside is JSON's white space, so a space says the same."""
    return b"\n" + line.replace(b"\n", b" ") + b"\n"


def used_bytes(folder: Path, scan: Callable[[Path], Iterable[os.DirEntry[str]]] = os.scandir) -> int:
    """Return what the spool's files take together."""
    return sum(STATE_BYTES if entry.name.endswith(STATE_SUFFIX) else _size(entry) for entry in scan(folder))


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:  # deleted by a reader since it was listed
        return 0
