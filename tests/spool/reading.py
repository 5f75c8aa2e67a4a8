"""What the spool's tests share: reading as the specification says, a clock set by hand, processes of their own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from meter.spool import Segment, read_window, segments
from meter.spool.format import WINDOW_BYTES

T = TypeVar("T")
ROOT = Path(__file__).parents[2]


class Clock:
    """A clock that only moves when told."""

    def __init__(self, time: float = 1000.0) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


def lines_of(segment: Segment, limit: int = WINDOW_BYTES) -> list[bytes]:
    """Return a segment's lines, blank ones left out."""
    lines: list[bytes] = []
    final, checkpoint = segment.writer_is_gone(), 0
    with segment.path.open("rb") as file:
        while (window := read_window(file, checkpoint, limit, final=final)).taken:
            lines += filter(None, window.data.split(b"\n"))
            checkpoint += window.taken
    return lines


def lines_in(folder: Path) -> list[bytes]:
    """Return the lines of all segments."""
    return [line for segment in segments(folder) for line in lines_of(segment)]


def drain(folder: Path) -> list[bytes]:
    """Return the lines of the segments whose writer is gone, and delete those."""
    lines: list[bytes] = []
    for segment in segments(folder):
        if segment.writer_is_gone():
            lines += lines_of(segment)
            assert segment.delete()
    return lines


def only(folder: Path) -> Segment:
    """Return the one segment there is."""
    (segment,) = segments(folder)
    return segment


def eventually(ask: Callable[[], T], enough: Callable[[T], bool], seconds: float = 60) -> T:
    """Ask until the answer is enough, and return it; the last answer when it never was."""
    end = time.monotonic() + seconds
    while not enough(answer := ask()) and time.monotonic() < end:
        time.sleep(0.005)
    return answer


def script(code: str, *arguments: object, options: Sequence[str] = ("-W", "error")) -> list[str]:
    """Return the command that runs `code` in a Python of its own."""
    return [sys.executable, *options, "-c", code, *map(str, arguments)]


def run(code: str, *arguments: object, options: Sequence[str] = ("-W", "error")) -> str:
    """Run `code` to its end and return what it printed."""
    done = subprocess.run(
        script(code, *arguments, options=options), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
