"""The spool against a model, step by step: whatever the order of events, each record is read exactly once."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from meter.spool import Writer, read_window, segments
from tests.spool.reading import Clock

WINDOW = 64


class Spool(RuleBasedStateMachine):
    """Two writers, as two processes would have, and one reader with its checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("meter.spool").setLevel(logging.CRITICAL)
        self.folder = Path(tempfile.mkdtemp())
        self.clock = Clock()
        self.written = Counter[bytes]()
        self.read = Counter[bytes]()
        self.checkpoints: dict[str, int] = {}
        self.lost = 0
        self.counted: dict[str, int] = {}
        self.through: int | None = None
        self.serial = 0

    @initialize(segment_bytes=st.sampled_from([1, 50, 200, 1 << 20]), max_bytes=st.sampled_from([65536, 1 << 30]))
    def begin(self, segment_bytes: int, max_bytes: int) -> None:
        self.writers = [
            Writer(self.folder, segment_bytes=segment_bytes, max_bytes=max_bytes, clock=self.clock, write=self.write)
            for _ in range(2)
        ]

    def write(self, number: int, data: bytes) -> int:
        if self.through is None:
            return os.write(number, data)
        through, self.through = self.through, -1
        if through < 0:
            raise OSError(28, "No space left on device")
        return os.write(number, data[:through])

    @rule(who=st.integers(0, 1), length=st.integers(0, 30), times=st.integers(1, 5))
    def append(self, who: int, length: int, times: int) -> None:
        for _ in range(times):
            self.serial += 1
            line = b"{%d:%s}" % (self.serial, b"x" * length)
            if self.writers[who].append(line):
                self.written[line] += 1
            else:
                self.lost += 1

    @rule(who=st.integers(0, 1), through=st.integers(-1, 3))
    def append_to_a_full_disk(self, who: int, through: int) -> None:
        self.through = through
        self.append(who, 10, 1)
        self.through = None

    @rule(seconds=st.sampled_from([0.2, 1.0, 700.0]))
    def wait(self, seconds: float) -> None:
        self.clock.time += seconds

    @rule(who=st.integers(0, 1))
    def close(self, who: int) -> None:
        self.writers[who].close()

    @rule(who=st.integers(0, 1))
    def fork(self, who: int) -> None:
        self.clock.time += 10  # what could not be counted in a state yet is the parent's, and it is not played here
        self.writers[who].publish()
        self.writers[who].after_fork_in_child()

    @rule(who=st.integers(0, 1))
    def the_host_closes_the_number(self, who: int) -> None:
        if self.writers[who]._own.is_ours():
            os.close(self.writers[who]._own.number)

    @rule(windows=st.integers(1, 20))
    def ingest(self, windows: int = -1) -> None:
        """Ask, read some, and delete what was gone before it was read to its end."""
        for segment in segments(self.folder):
            gone = segment.writer_is_gone()
            checkpoint = self.checkpoints.get(segment.name, 0)
            with segment.path.open("rb") as file:
                while windows and (window := read_window(file, checkpoint, WINDOW, final=gone)).taken:
                    assert window.skipped is None
                    self.read.update(line for line in window.data.split(b"\n") if line.endswith(b"}"))
                    checkpoint += window.taken
                    windows -= 1
            self.checkpoints[segment.name] = checkpoint
            state = segment.state()
            self.counted[segment.name] = state.lost if state else 0
            if gone and segment.delete(read_to=checkpoint):
                assert not segment.path.exists()
                assert not segment.state_path.exists()

    @invariant()
    def nothing_is_read_twice_nor_made_up(self) -> None:
        assert self.read <= self.written

    @invariant()
    def every_state_has_its_segment(self) -> None:
        assert {path.stem for path in self.folder.glob("*.state")} == {
            segment.name for segment in segments(self.folder)
        }

    def teardown(self) -> None:
        for writer in self.writers:
            self.clock.time += 10
            writer.publish()
            writer.close()
        self.ingest()
        assert self.read == self.written
        assert sum(self.counted.values()) == self.lost
        assert list(self.folder.iterdir()) == []
        shutil.rmtree(self.folder)
        logging.getLogger("meter.spool").setLevel(logging.NOTSET)


Spool.TestCase.settings = settings(
    max_examples=300 if os.environ.get("METER_TEST_ALL") else 100,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestSpool = Spool.TestCase
