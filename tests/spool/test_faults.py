"""A disk that fails: nothing is raised, what is lost is counted, and what comes after is kept."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from meter.spool import Segment, State, Writer, segments
from meter.spool.format import frame
from meter.spool.writer import REOPEN_S, ROOM_S
from tests.spool.reading import ROOT, Clock, lines_in, lines_of, only, run, script


class Disk:
    """The real `os.write`, until told to fail: each fault is an error number, or how many bytes get through."""

    def __init__(self, *faults: int | OSError) -> None:
        self.faults = list(faults)

    def __call__(self, number: int, data: bytes) -> int:
        fault = self.faults.pop(0) if self.faults else len(data)
        if isinstance(fault, OSError):
            raise fault
        return os.write(number, data[:fault])


def refused(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def state_of(segment: Segment) -> State:
    state = segment.state()
    assert state is not None
    return state


RECORD = frame(b"second")


@pytest.mark.parametrize("through", range(len(RECORD) + 1))
def test_a_short_write_is_repeated_whole_and_leaves_one_torn_line_at_most(tmp_path: Path, through: int) -> None:
    writer = Writer(tmp_path, write=Disk(7, through))
    assert [writer.append(line) for line in (b"first", b"second", b"third")] == [True] * 3
    found = lines_in(tmp_path)
    torn = [RECORD[1:through]] if 1 < through < len(RECORD) - 1 else []
    assert found == [b"first", *torn, b"second", b"third"]
    assert state_of(only(tmp_path)).lost == 0


@pytest.mark.parametrize("through", range(len(RECORD) - 1))
def test_a_short_write_on_a_full_disk_loses_one_record_and_spares_its_neighbours(tmp_path: Path, through: int) -> None:
    writer = Writer(tmp_path, write=Disk(7, through, refused(errno.ENOSPC)))
    assert [writer.append(line) for line in (b"first", b"second", b"third")] == [True, False, True]
    found = lines_in(tmp_path)
    assert [line for line in found if line != RECORD[1:through]] == [b"first", b"third"]
    state = state_of(only(tmp_path))
    assert (state.lost, state.lost_bytes) == (1, len(RECORD))
    assert state.failures == {"spool.short": 1, "spool.ENOSPC": 1}


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG, errno.ESTALE, 9999]
)
def test_an_error_of_the_disk_is_counted_never_raised_and_over_with_its_cause(tmp_path: Path, number: int) -> None:
    disk = Disk()
    writer = Writer(tmp_path, write=disk, clock=Clock())
    assert writer.append(b"first")
    disk.faults = [refused(number)] * 6
    assert [writer.append(b"lost") for _ in range(2)] == [False] * 2
    disk.faults = []
    assert writer.append(b"third")
    assert lines_in(tmp_path) == [b"first", b"third"]
    state = state_of(only(tmp_path))
    assert (state.lost, state.lost_bytes) == (2, 12)
    assert state.failures.keys() == {f"spool.{errno.errorcode.get(number, 'unknown')}"}


def test_the_loss_stands_in_the_state_when_append_returns(tmp_path: Path) -> None:
    disk = Disk()
    writer = Writer(tmp_path, write=disk)
    assert writer.append(b"first")
    disk.faults = [refused(errno.ENOSPC)] * 20
    for n in range(10):
        assert not writer.append(b"lost")
        assert state_of(only(tmp_path)).lost == n + 1


def test_a_segment_that_fails_is_replaced_once_a_second_at_most(tmp_path: Path) -> None:
    clock = Clock()

    def write(number: int, data: bytes) -> int:
        if writer.path == bad:
            raise refused(errno.EIO)
        return os.write(number, data)

    bad: Path | None = Path("none")
    writer = Writer(tmp_path, write=write, clock=clock)
    assert writer.append(b"first")
    bad = writer.path
    assert not writer.append(b"lost")
    clock.time += ROOM_S
    assert writer.append(b"third")
    assert len(segments(tmp_path)) == 2
    assert sorted(lines_in(tmp_path)) == [b"first", b"third"]


def test_a_descriptor_closed_between_the_check_and_the_write_is_opened_again(tmp_path: Path) -> None:
    disk = Disk()
    writer = Writer(tmp_path, write=disk, clock=Clock())
    assert writer.append(b"first")
    disk.faults = [refused(errno.EBADF)]
    assert writer.append(b"second")
    assert lines_in(tmp_path) == [b"first", b"second"]


def test_without_a_folder_records_are_lost_and_the_count_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    folder = tmp_path / "spool"
    writer = Writer(folder, clock=clock)
    assert [writer.append(b"lost") for _ in range(3)] == [False] * 3
    assert len(caplog.records) == 1
    assert "No such file or directory" in caplog.text
    writer.publish()
    folder.mkdir()
    assert not writer.append(b"lost")  # tried a moment ago
    clock.time += REOPEN_S
    assert writer.append(b"kept")
    assert lines_in(folder) == [b"kept"]
    assert state_of(only(folder)).lost == 4
    writer.close()
    assert writer.append(b"kept too")
    assert sum(state_of(segment).lost for segment in segments(folder)) == 4


def test_a_segment_that_cannot_be_replaced_stays_in_use(tmp_path: Path) -> None:
    clock = Clock()
    folder, away = tmp_path / "spool", tmp_path / "away"
    folder.mkdir()
    writer = Writer(folder, clock=clock)
    assert writer.append(b"first")
    folder.rename(away)
    clock.time += 600
    assert [writer.append(line) for line in (b"second", b"third")] == [True, True]
    assert lines_in(away) == [b"first", b"second", b"third"]
    away.rename(folder)
    clock.time += REOPEN_S
    assert writer.append(b"fourth")
    assert sorted(map(len, map(lines_of, segments(folder)))) == [1, 3]


@pytest.mark.parametrize("nth", [0, 3])
def test_a_segment_whose_first_line_finds_no_room_is_not_made(tmp_path: Path, nth: int) -> None:
    disk = Disk()
    clock = Clock()
    writer = Writer(tmp_path, write=disk, clock=clock, first_line=lambda: b"process")
    disk.faults = [nth]
    assert not writer.append(b"lost")
    assert list(tmp_path.iterdir()) == []
    clock.time += REOPEN_S
    assert writer.append(b"kept")
    assert lines_in(tmp_path) == [b"process", b"kept"]


def test_a_deleted_state_is_made_again(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(tmp_path, clock=clock)
    assert writer.append(b"first")
    only(tmp_path).state_path.unlink()
    clock.time += 1
    assert writer.append(b"second")
    assert state_of(only(tmp_path)).lines == 2


def test_a_state_that_cannot_be_written_harms_no_record(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(tmp_path, clock=clock)
    assert writer.append(b"first")
    state = only(tmp_path).state_path
    state.unlink()
    state.mkdir()
    clock.time += 1
    assert writer.append(b"second")
    assert not writer.append(b"x" * (5 << 20))
    state.rmdir()
    clock.time += 1
    assert writer.append(b"third")
    assert state_of(only(tmp_path)).lost == 1
    assert state_of(only(tmp_path)).failures["spool.EISDIR"] == 2
    assert lines_in(tmp_path) == [b"first", b"second", b"third"]


def test_a_segment_deleted_under_its_writer_is_replaced_before_the_next_record(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert writer.append(b"gone with the file")
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    assert writer.append(b"kept")
    assert lines_in(tmp_path) == [b"kept"]


def test_with_sync_each_record_is_flushed_after_it_is_written(tmp_path: Path) -> None:
    steps: list[str] = []

    def write(number: int, data: bytes) -> int:
        steps.append("write")
        return os.write(number, data)

    def flush(number: int) -> None:
        steps.append("flush")
        os.fsync(number)

    writer = Writer(tmp_path, sync=True, write=write, flush=flush)
    assert writer.append(b"first")
    assert writer.append(b"second")
    assert steps == ["write", "flush"] * 2


def test_a_flush_that_fails_is_counted_and_loses_nothing(tmp_path: Path) -> None:
    def flush(number: int) -> None:
        raise refused(errno.EIO)

    writer = Writer(tmp_path, sync=True, flush=flush)
    assert writer.append(b"first")
    writer.publish()
    state = state_of(only(tmp_path))
    assert (state.lost, state.failures) == (0, {"spool.sync": 1})
    assert lines_in(tmp_path) == [b"first"]


LIMITED = """
import resource, sys
from pathlib import Path
from meter.spool import Writer
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
writer = Writer(Path(sys.argv[1]))
kept = [n for n in range(1000) if writer.append(b"%06d" % n * 10)]
print(kept[-1], len(kept))
"""


def test_a_real_limit_on_the_files_length_cuts_a_line_and_loses_only_what_was_refused(tmp_path: Path) -> None:
    last, kept = map(int, run(LIMITED, tmp_path).split())
    assert kept == last + 1
    found = lines_in(tmp_path)
    assert found[:kept] == [b"%06d" % n * 10 for n in range(kept)]
    assert sum(state_of(segment).lost for segment in segments(tmp_path)) == 1000 - kept
    assert all((b"%06d" % kept * 10).startswith(torn) for torn in found[kept:])


FULL_DISK = """
import ctypes, os, subprocess, sys
from pathlib import Path
folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], check=True)
from meter.spool import Writer, segments, whole_lines
writer = Writer(folder)
kept = [n for n in range(1000) if writer.append(b"%06d" % n * 10)]
(segment,) = segments(folder)
with segment.path.open("rb") as file:
    lines = [line for line in whole_lines(file, 0).split(b"\\n") if line]
assert set(lines) >= {b"%06d" % n * 10 for n in kept}, "kept lines are there"
assert segment.state().lost == 1000 - len(kept) > 0, segment.state()
assert segment.state().failures["spool.ENOSPC"] > 0
print("full")
"""


def test_a_disk_that_is_really_full_loses_only_what_it_refused(tmp_path: Path) -> None:
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs unshare(1) and the right to mount: run as root, or allow user namespaces")
    done = subprocess.run(
        [*unshare, *script(FULL_DISK, tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "full\n", done.stderr


EXHAUSTED = """
import os, resource, sys
from pathlib import Path
from meter.spool import Writer
times = [1000.0]
writer = Writer(Path(sys.argv[1]), clock=lambda: times[0])
kept = [writer.append(b"first")]
times[0] += 600
resource.setrlimit(resource.RLIMIT_NOFILE, (600, 600))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    for number in held[: int(sys.argv[2])]:
        os.close(number)
kept += [writer.append(b"second"), writer.append(b"third")]
print(kept)
"""


@pytest.mark.parametrize("left", range(4))
def test_too_many_open_files_lose_nothing_once_a_segment_is_open(tmp_path: Path, left: int) -> None:
    assert run(EXHAUSTED, tmp_path, left) == "[True, True, True]\n"
    assert sorted(lines_in(tmp_path)) == [b"first", b"second", b"third"]
