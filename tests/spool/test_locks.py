from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from meter.spool import State, locks, segments
from meter.spool.format import frame
from meter.spool.state import encode
from tests.spool.reading import run


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def ended() -> int:
    """Return the id of a process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_writers_share_and_a_reader_takes_alone(tmp_path: Path) -> None:
    one, two, three = (opened(tmp_path / "a") for _ in range(3))
    try:
        assert locks.share(one)
        assert locks.share(two)
        assert locks.take(three) is False
        os.close(one)
        os.close(two)
        assert locks.take(three) is True
        one = opened(tmp_path / "a")
        assert not locks.share(one)
    finally:
        os.close(one)
        os.close(three)


def test_where_a_file_cannot_be_locked_the_writer_goes_on_and_the_reader_knows() -> None:
    assert locks.share(-1 & 0xFFFF)
    assert locks.take(-1 & 0xFFFF) is None


@pytest.mark.parametrize("pid", [os.getpid(), os.getppid(), 1, 10**30], ids=["own", "parent", "first", "nonsense"])
def test_a_process_that_lives_or_cannot_be_asked_counts_as_alive(pid: int) -> None:
    assert locks.is_alive(pid)


def test_a_process_that_ended_is_not_alive() -> None:
    assert not locks.is_alive(ended())


@pytest.mark.parametrize(
    ("changes", "gone"),
    [({}, True), ({"pid": os.getpid()}, False), ({"host": "another"}, False), ({"v": 2}, False)],
    ids=["ended", "living", "another host", "state of another version"],
)
def test_without_locks_the_process_of_the_state_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, int | str], gone: bool
) -> None:
    monkeypatch.setattr(locks, "fcntl", None)
    (tmp_path / "a.ndjson").write_bytes(frame(b"one"))
    state = replace(State(seq=1, pid=ended(), host=platform.node()), **changes)  # type: ignore[arg-type]
    (tmp_path / "a.state").write_bytes(encode(state))
    (segment,) = segments(tmp_path)
    assert segment.writer_is_gone() is gone
    assert segment.delete() is gone
    assert segment.path.exists() is not gone


def test_without_locks_a_writer_works_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "fcntl", None)
    number = locks.raise_high(opened(tmp_path / "a"))
    assert locks.share(number)
    assert locks.take(number) is None
    os.close(number)


WITHOUT_FCNTL = """
import sys
sys.modules["fcntl"] = None  # as on Windows
from pathlib import Path
from meter.spool import Writer, locks, segments
assert locks.fcntl is None
writer = Writer(Path(sys.argv[1]), segment_bytes=100)
assert all(writer.append(b"%020d" % n) for n in range(20))
writer.close()
assert not any(segment.writer_is_gone() for segment in segments(Path(sys.argv[1])))
print(len(segments(Path(sys.argv[1]))))
"""


def test_where_there_is_no_fcntl_the_spool_imports_writes_and_is_read(tmp_path: Path) -> None:
    count = int(run(WITHOUT_FCNTL, tmp_path))
    assert count > 1
    found = segments(tmp_path)
    assert len(found) == count
    assert all(segment.delete() for segment in found)  # here there are locks


def test_a_number_that_cannot_be_raised_stays_as_it_is() -> None:
    assert locks.raise_high(-1 & 0xFFFF) == 0xFFFF


def test_a_python_without_fcntl_has_no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert locks._load() is None
