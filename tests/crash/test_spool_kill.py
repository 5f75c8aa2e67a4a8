"""`kill -9` in the midst of writing, rotating and forking: every record whose append had returned is read back, once."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from meter.spool import segments
from tests.spool.reading import ROOT, lines_in, lines_of, script

ROUNDS = 50 if os.environ.get("METER_TEST_ALL") else 10
THREADS = 3

# Each thread tells the pipe, after append has returned: six bytes are one write, and a pipe takes those whole.
VICTIM = """
import os, struct, sys, threading
from pathlib import Path
from meter.spool import Writer
writer = Writer(Path(sys.argv[1]), segment_bytes=2000, first_line=lambda: b"process")

def work(me):
    for n in range(1 << 30):
        if not writer.append(b"%d %d %s" % (me, n, b"x" * (n % 300))):
            os._exit(1)
        os.write(1, struct.pack("=HI", me, n))

for me in range(int(sys.argv[2])):
    threading.Thread(target=work, args=[me]).start()
"""


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_writer_killed_at_any_moment_has_lost_nothing_it_acknowledged(tmp_path: Path, seed: int) -> None:
    with subprocess.Popen(script(VICTIM, tmp_path, THREADS), cwd=ROOT, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        told = victim.stdout.read(6 * random.Random(seed).randrange(1, 4000))
        victim.send_signal(signal.SIGKILL)
        told += victim.stdout.read()
    assert victim.returncode == -signal.SIGKILL
    told = told[: len(told) - len(told) % 6]
    assert told

    acknowledged = {struct.unpack_from("=HI", told, at) for at in range(0, len(told), 6)}
    found = [tuple(map(int, line.split()[:2])) for line in lines_in(tmp_path) if line != b"process"]
    assert acknowledged <= set(found)
    assert len(found) == len(set(found)), "a record was written twice"
    assert len(set(found) - acknowledged) <= THREADS, "at most the record each thread was about to acknowledge"


def test_a_killed_writers_segments_are_whole_free_and_can_be_deleted(tmp_path: Path) -> None:
    with subprocess.Popen(script(VICTIM, tmp_path, 1), cwd=ROOT, stdout=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        victim.stdout.read(6 * 500)
        victim.send_signal(signal.SIGSTOP)  # it holds its lock, and no other
        assert [segment.writer_is_gone() for segment in segments(tmp_path)].count(False) <= 2  # two while it rotates
        victim.send_signal(signal.SIGKILL)
        victim.stdout.read()
    for segment in segments(tmp_path):
        assert segment.writer_is_gone()
        assert all(line == b"process" or line.startswith(b"0 ") for line in lines_of(segment))
        assert segment.delete()
    assert list(tmp_path.iterdir()) == []
