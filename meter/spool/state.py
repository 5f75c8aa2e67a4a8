"""The file beside a segment: what its writer says of itself, and what it could not write."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import msgspec

from meter.spool.format import STATE_BYTES
from meter.spool.regular import open_regular

VERSION = 1
Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
"""A number that can be believed, and added up in 64 bits."""
Moment = Annotated[int, msgspec.Meta(ge=0, le=253_370_764_800_000_000)]
"""Microseconds since 1970, up to the year 9999."""
_TEXT = 200
_STEPS = (64, 16, 4, 0)  # how many of the failures and versions are kept, until they fit

_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class State:
    """One segment's state. `lost` and `lost_bytes` are exact at all times; the others are as of `updated`."""

    v: int = VERSION
    seq: Count = 0
    pid: Count = 0
    host: str = ""
    started: Moment = 0
    updated: Moment = 0
    closed: bool = False
    bytes_written: Count = 0
    lines: Count = 0
    lost: Count = 0
    lost_bytes: Count = 0
    failures: dict[str, Count] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    end: Count = 0


_decoder = msgspec.json.Decoder(State)


@dataclass(frozen=True)
class Tally:
    """Running totals of a process. A segment's own share is a difference of two, so that states can be added up."""

    lines: int = 0
    lost: int = 0
    lost_bytes: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def since(self, earlier: Tally) -> Tally:
        """Return what has come on top of an earlier tally."""
        return Tally(
            self.lines - earlier.lines,
            self.lost - earlier.lost,
            self.lost_bytes - earlier.lost_bytes,
            self.failures - earlier.failures,
        )


def encode(state: State) -> bytes:
    """Return the state as one JSON object, padded with blanks to its fixed size."""
    data = msgspec.json.encode(state if state.end == state.seq else replace(state, end=state.seq))
    if len(data) >= STATE_BYTES:
        tries = (msgspec.json.encode(_shortened(state, kept)) for kept in _STEPS)
        data = next(data for data in tries if len(data) < STATE_BYTES)
    return data.ljust(STATE_BYTES - 1) + b"\n"


def _shortened(state: State, kept: int) -> State:
    return replace(
        state,
        host=state.host[:_TEXT],
        failures={step[:_TEXT]: count for step, count in Counter(state.failures).most_common(kept)},
        versions={name[:_TEXT]: version[:_TEXT] for name, version in list(state.versions.items())[:kept]},
        end=state.seq,
    )


def decode(data: bytes) -> State | None:
    """Return the state, or None when the bytes are none that this version can read."""
    try:
        state = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a ValidationError is a DecodeError
        return None
    return state if state.seq == state.end and state.v == VERSION else None


def write(path: Path, data: bytes, mode: int, write: Callable[[int, bytes], int] = os.write) -> None:
    """Write a state file in place: after the first time that needs neither a name nor a block, so it works on a full disk."""
    descriptor = os.open(path, _FLAGS, mode)
    try:
        set_mode(descriptor, mode)
        if write(descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, "no room for a state file")
    finally:
        os.close(descriptor)


def read(path: Path) -> State | None:
    """Return the state in a file; None when it is missing or cannot be read."""
    for _ in range(3):  # a rewrite may be under way
        try:
            with os.fdopen(open_regular(path), "rb", buffering=0) as file:
                data = file.read(STATE_BYTES)
        except OSError:
            return None
        if (state := decode(data)) is not None:
            return state
    return None


def set_mode(descriptor: int, mode: int) -> None:
    """Give an open file its mode, whatever the host's umask."""
    if hasattr(os, "fchmod"):  # pragma: no branch
        os.fchmod(descriptor, mode)
