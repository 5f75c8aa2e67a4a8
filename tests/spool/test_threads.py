"""Many writers at once: no line is torn, lost or doubled."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from meter.spool import Writer, read_window, segments
from tests.spool.reading import ROOT, Clock, lines_in, script

THREADS, RECORDS = 8, 20_000


def test_eight_threads_of_20_000_records_tear_lose_and_double_none(tmp_path: Path) -> None:
    writer = Writer(tmp_path, segment_bytes=256 << 10)
    start = threading.Barrier(THREADS)
    refused: list[int] = []

    def work(me: int) -> None:
        start.wait()
        if kept := RECORDS - sum(writer.append(b"%d %05d" % (me, n)) for n in range(RECORDS)):
            refused.append(kept)

    threads = [threading.Thread(target=work, args=[me]) for me in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
    assert sorted(lines_in(tmp_path)) == [b"%d %05d" % (me, n) for me in range(THREADS) for n in range(RECORDS)]
    assert len(segments(tmp_path)) > 5
    writer.close()
    states = [segment.state() for segment in segments(tmp_path)]
    assert sum(state.lines for state in states if state) == THREADS * RECORDS
    assert sum(state.lost for state in states if state) == 0


def test_threads_whose_segment_is_closed_and_replaced_all_the_time_lose_and_double_none(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(tmp_path, clock=clock)
    done = threading.Event()

    def work(me: int) -> None:
        for n in range(2000):
            assert writer.append(b"%d %05d" % (me, n))

    def disturb() -> None:
        while not done.wait(0.0005):
            clock.time += 600
            writer.publish()
            writer.close()

    disturber = threading.Thread(target=disturb)
    threads = [threading.Thread(target=work, args=[me]) for me in range(4)]
    for thread in [disturber, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    disturber.join()
    assert sorted(lines_in(tmp_path)) == [b"%d %05d" % (me, n) for me in range(4) for n in range(2000)]


PROCESS = """
import sys
from pathlib import Path
from meter.spool import Writer
writer = Writer(Path(sys.argv[1]), segment_bytes=10_000)
for n in range(int(sys.argv[3])):
    assert writer.append(b"%s %05d" % (sys.argv[2].encode(), n))
"""


class Reader:
    """Reads as the specification says: asks, reads to the end, deletes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.checkpoints = folder, dict[str, int]()

    def read(self) -> Iterator[bytes]:
        for segment in segments(self.folder):
            gone = segment.writer_is_gone()
            checkpoint = self.checkpoints.get(segment.name, 0)
            with segment.path.open("rb") as file:
                while (window := read_window(file, checkpoint, 4096, final=gone)).taken:
                    checkpoint += window.taken
                    yield from filter(None, window.data.split(b"\n"))
            self.checkpoints[segment.name] = checkpoint
            if gone:
                segment.delete(read_to=checkpoint)


def test_a_reader_that_takes_and_deletes_while_processes_write_sees_each_line_once(tmp_path: Path) -> None:
    children = [subprocess.Popen(script(PROCESS, tmp_path, name, 5000), cwd=ROOT) for name in "ab"]
    reader, found = Reader(tmp_path), list[bytes]()
    try:
        while any(child.poll() is None for child in children):
            found += reader.read()
    finally:
        codes = [child.wait(60) for child in children]
    found += reader.read()
    assert codes == [0, 0]
    assert sorted(found) == [b"%s %05d" % (name, n) for name in (b"a", b"b") for n in range(5000)]
    assert list(tmp_path.iterdir()) == []
