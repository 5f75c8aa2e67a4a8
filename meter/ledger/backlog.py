"""What waits in the spool: segments beyond their checkpoints, taken batch by batch.

Ask whether a writer is gone, then read to the end, then, after the commit, delete: a line may land in between. A segment that
cannot be read stops no other; it stays, and waits. A batch that cannot be written ends the ingest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meter import guard
from meter.ledger.batch import Batch, Note
from meter.ledger.letters import DeadLetter
from meter.spool import Segment, State, read_window, segments

_NOTHING = State()


@dataclass(frozen=True)
class Checkpoint:
    """How far a segment was read, and what its writer had lost by then."""

    position: int = 0
    lost: int = 0
    failures: int = 0


@dataclass
class Source:
    """One segment on its way into the ledger."""

    segment: Segment
    position: int
    noted: Checkpoint
    is_gone: bool = False
    """Whether its writer was gone before the last reading began."""
    is_read: bool = False
    """Whether that reading came to the end."""
    state: State = _NOTHING

    def note(self) -> Note:
        """Return where the reading stands, and take it as noted: a batch that is not committed ends the whole ingest."""
        now = Checkpoint(self.position, self.state.lost, sum(self.state.failures.values()))
        is_news, self.noted = now != self.noted, now
        return Note(self.segment, self.position, self.state, is_news, self.is_read and self.is_gone)

    @property
    def lag_bytes(self) -> int:
        """Return how much was not read of what was there when it was listed."""
        return _unread(self.segment, self.position)


@dataclass
class Backlog:
    """The segments that were there at one moment, oldest first: so rows come in time's order, as far as they can."""

    sources: list[Source]

    @classmethod
    def of(cls, spool: Path, checkpoints: Callable[[Sequence[str]], Mapping[str, Checkpoint]]) -> Backlog:
        """List the spool. What may not be read is left out here and shown by `meter doctor`."""
        found = [segment for segment in segments(spool) if segment.readable]
        known = checkpoints([segment.name for segment in found])
        noted = [known.get(segment.name, Checkpoint()) for segment in found]
        return cls([Source(segment, at.position, at) for segment, at in zip(found, noted, strict=True)])

    @property
    def lag_bytes(self) -> int:
        """Return how many bytes wait."""
        return sum(source.lag_bytes for source in self.sources)

    @property
    def is_read(self) -> bool:
        """Tell whether every segment was read to its end."""
        return all(source.is_read for source in self.sources)

    @property
    def positions(self) -> dict[str, int]:
        """Return how far each segment is read by now."""
        return {source.segment.name: source.position for source in self.sources}

    def fill(self, batch: Batch, limit: int) -> None:
        """Take up to about `limit` bytes, and read the states of the segments they come from."""
        for source in self.sources:
            if batch.taken >= limit:
                return
            if not source.is_read:
                _read(source, batch, limit)
                batch.notes.append(source.note())


def lag_bytes(spool: Path, positions: Mapping[str, int]) -> int:
    """Return how many bytes of the spool wait, at this moment."""
    return sum(_unread(segment, positions.get(segment.name, 0)) for segment in segments(spool) if segment.readable)


def _unread(segment: Segment, position: int) -> int:
    """Return how much lies beyond the position: all of it in a segment that was cut."""
    return segment.size - (position if position <= segment.size else 0)


def _read(source: Source, batch: Batch, limit: int) -> None:
    name = source.segment.name
    source.is_gone = source.segment.writer_is_gone()
    source.state = source.segment.state() or _NOTHING
    try:  # of the segment only: a batch that cannot be written raises MeterError
        with source.segment.open() as file:
            _begin_again_if_cut(source, batch, os.fstat(file.fileno()).st_size)
            while batch.taken < limit:
                window = read_window(file, source.position, final=source.is_gone)
                if not window.taken:
                    source.is_read = True
                    return
                if window.skipped:
                    batch.letters.append(DeadLetter(name, source.position, window.taken, window.skipped, b""))
                else:
                    batch.add(name, source.position, window.data)
                source.position += window.taken
                batch.taken += window.taken
            source.is_read = os.fstat(file.fileno()).st_size <= source.position
    except OSError as error:  # gone, or made unreadable, since it was listed
        if not isinstance(error, FileNotFoundError):
            guard.fail("ledger.segment")
        source.is_read, source.is_gone = True, False


def _begin_again_if_cut(source: Source, batch: Batch, size: int) -> None:
    """Read a segment that is shorter than its checkpoint from its beginning: what was read before is known by its ids."""
    if size >= source.position:
        return
    reason = (
        f"the segment was cut or replaced: {source.position} bytes had been read and it has {size}; read again from its"
        " beginning, but what stood there unread is lost. Nothing else may write, rotate or truncate the spool's files"
    )
    batch.letters.append(DeadLetter(source.segment.name, source.position, 0, reason, b""))
    source.position = 0
