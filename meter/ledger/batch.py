"""A batch: whole lines of some segments, side by side in one nameless file that DuckDB can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from meter import event
from meter.ledger.letters import DeadLetter, Line
from meter.ledger.scratch import Scratch
from meter.spool import Segment, State


@dataclass(frozen=True)
class Extent:
    """Bytes of the batch's file: where they came from."""

    segment: str
    position: int
    size: int


@dataclass(frozen=True)
class Note:
    """Where the batch leaves a segment; it becomes the segment's checkpoint."""

    segment: Segment
    position: int
    state: State
    is_news: bool
    """Whether the ledger does not know that yet."""
    is_finished: bool
    """Whether the segment can go once that is committed: its writer was gone, and nothing is left."""


@dataclass
class Batch:
    """The lines and, for what could not even be cut into lines, letters. Close it when done."""

    notes: list[Note] = field(default_factory=list)
    extents: list[Extent] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)
    """Id of a process line: the segment that it opens."""
    newlines: int = 0
    taken: int = 0
    """Bytes of the spool, in lines or not."""

    def __post_init__(self) -> None:
        self._scratch = Scratch()

    def close(self) -> None:
        """Let go of the file."""
        self._scratch.close()

    def add(self, segment: str, position: int, data: bytes) -> None:
        """Append whole lines of a segment. Raises MeterError: the batch is then of no use."""
        self._scratch.write(data)
        self.extents.append(Extent(segment, position, len(data)))
        self.newlines += data.count(b"\n")
        if position == 0 and (head := _process_line(data)) is not None:
            self.heads[head] = segment

    def seal(self) -> str:
        """Return the path of the finished file."""
        return self._scratch.sealed()

    def lines(self) -> Iterator[Line]:
        """Yield every line that is not blank, in order."""
        file = self._scratch.file
        file.seek(0)
        for extent in self.extents:
            position = extent.position
            for data in file.read(extent.size).split(b"\n"):
                if data.strip(BLANKS):
                    yield Line(extent.segment, position, data)
                position += len(data) + 1

    def count_lines(self) -> int:
        """Return how many lines are not blank."""
        return sum(1 for _ in self.lines())


BLANKS = b" \t\r"
"""JSON's white space but for the newline: DuckDB passes over a line that has nothing else."""


def _process_line(data: bytes) -> str | None:
    """Return the id of the process line that opens a segment, by a writer's habit."""
    try:
        record = event.decode(data.lstrip(b"\n").partition(b"\n")[0])
    except (ValueError, RecursionError):
        return None
    return record.id if isinstance(record, event.Process) else None
