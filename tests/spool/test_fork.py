"""Forks: a child begins a segment of its own, frees its parent's, and nothing is lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from meter.spool import segments
from tests.spool.reading import lines_in, lines_of, run

ALONE = """
import os, sys
from pathlib import Path
from meter.spool import Writer, segments
folder = Path(sys.argv[1])
failures = {"hook": 5}
writer = Writer(folder, failures=failures, first_line=lambda: b"process %d" % os.getpid())
"""

OS_FORK = (
    ALONE
    + """
assert writer.append(b"before")
(parents,) = segments(folder)
for n in range(3):
    child = os.fork()
    if not child:
        assert writer.path is None
        assert writer.append(b"child %d" % n)
        assert writer.path != parents.path
        failures["hook"] += 1
        writer.publish()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert not parents.writer_is_gone(), "the child took its parent's lock along"
    assert writer.append(b"parent %d" % n)
gone = [segment for segment in segments(folder) if segment.writer_is_gone()]
assert len(gone) == 3
os._exit(0)
"""
)


def test_a_child_writes_a_segment_of_its_own_and_leaves_its_parents_lock(tmp_path: Path) -> None:
    run(OS_FORK, tmp_path)
    found = sorted(map(lines_of, segments(tmp_path)))
    assert len({lines.pop(0) for lines in found if lines[0].startswith(b"process ")}) == 4
    assert sorted(found) == [
        [b"before", b"parent 0", b"parent 1", b"parent 2"],
        [b"child 0"],
        [b"child 1"],
        [b"child 2"],
    ]
    states = [segment.state() for segment in segments(tmp_path)]
    assert sorted(state.failures.get("hook", 0) for state in states if state) == [1, 1, 1, 5]  # a child counts its own


SILENT_CHILD = (
    ALONE
    + """
assert writer.append(b"before")
read, write = os.pipe()
if not os.fork():
    os.close(write)
    os.read(read, 1)  # lives on, and never records, until its grandparent has looked
    os._exit(0)
print(os.getpid(), flush=True)
os.close(read)
os.set_inheritable(write, True)
os.execv(sys.executable, [sys.executable, "-c", '''
import sys
from pathlib import Path
from meter.spool import segments
(segment,) = segments(Path(sys.argv[1]))
print(segment.writer_is_gone())
''', str(folder)])
"""
)


def test_a_child_that_never_records_keeps_nothing_of_its_parents(tmp_path: Path) -> None:
    assert run(SILENT_CHILD, tmp_path).split()[1:] == ["True"]


WITHOUT_HOOKS = (
    ALONE
    + """
import ctypes
assert writer.append(b"before")
child = ctypes.PyDLL(None).fork()  # as a server written in C does it
if not child:
    assert writer.append(b"child")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert writer.append(b"after")
"""
)


def test_a_child_that_python_knows_nothing_of_loses_nothing(tmp_path: Path) -> None:
    run(WITHOUT_HOOKS, tmp_path)
    assert [line for line in lines_in(tmp_path) if not line.startswith(b"process")] == [b"before", b"child", b"after"]


FORK_BETWEEN_THREADS = (
    ALONE
    + """
import threading
writer = Writer(folder, segment_bytes=2000)
stop = threading.Event()
counts = [0] * 4

def work(me):
    while not stop.is_set():
        assert writer.append(b"thread %d %d" % (me, counts[me]))
        counts[me] += 1

threads = [threading.Thread(target=work, args=[me]) for me in range(4)]
for thread in threads: thread.start()
children = []
for n in range(20):
    child = os.fork()
    if not child:
        ok = all(writer.append(b"child %d %d" % (n, m)) for m in range(50))
        os._exit(not ok)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
stop.set()
for thread in threads: thread.join()
print(*counts)
"""
)


def test_forks_in_the_midst_of_writing_and_rotating_threads_lose_and_double_nothing(tmp_path: Path) -> None:
    counts = map(int, run(FORK_BETWEEN_THREADS, tmp_path, options=["-W", "ignore"]).split())
    expected = [b"thread %d %d" % (me, n) for me, count in enumerate(counts) for n in range(count)]
    expected += [b"child %d %d" % (n, m) for n in range(20) for m in range(50)]
    assert sorted(lines_in(tmp_path)) == sorted(expected)
    assert all(segment.writer_is_gone() for segment in segments(tmp_path))


FORKS_WHILE_OPENING = (
    ALONE
    + """
import threading
opening, forked = threading.Event(), threading.Event()

def first_line():
    opening.set()
    forked.wait(30)
    return b"process"

writer = Writer(folder, first_line=first_line, wait_seconds=0.01)
slow = threading.Thread(target=writer.append, args=[b"slow"])
slow.start()
assert opening.wait(30)
child = os.fork()  # waits in vain for the thread that opens
if not child:
    forked.set()
    os._exit(not writer.append(b"child"))
assert os.waitpid(child, 0)[1] == 0
forked.set()
slow.join()
"""
)


def test_a_fork_does_not_wait_for_ever_for_a_thread_that_opens(tmp_path: Path) -> None:
    run(FORKS_WHILE_OPENING, tmp_path, options=["-W", "ignore"])
    assert sorted(lines_in(tmp_path)) == [b"child", b"process", b"process", b"slow"]


MULTIPROCESSING = """
import multiprocessing, os, sys
from pathlib import Path
from meter.spool import Writer

writer = Writer(Path(sys.argv[1]))


def work(n):
    return all([writer.append(b"task %d %d" % (n, m)) for m in range(100)])


if __name__ == "__main__":
    assert writer.append(b"parent before")
    with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
        assert all(pool.map(work, range(10), chunksize=1))
        pool.close()
        pool.join()
    assert writer.append(b"parent after")
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_lose_and_double_nothing(tmp_path: Path, method: str) -> None:
    program, spool = tmp_path / "program.py", tmp_path / "spool"
    program.write_text(MULTIPROCESSING)
    spool.mkdir()
    # On Python 3.12 and later a pool's own threads make its next fork warn.
    run(
        "import runpy, sys; sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')",
        program,
        spool,
        method,
        options=(),
    )
    expected = [b"task %d %d" % (n, m) for n in range(10) for m in range(100)] + [b"parent before", b"parent after"]
    assert sorted(lines_in(spool)) == sorted(expected)
    assert all(segment.writer_is_gone() for segment in segments(spool))
