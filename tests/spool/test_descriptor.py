"""The host may close our number, or take it: its files never get our lines, and no line is lost."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from meter.spool import Writer, segments
from meter.spool.descriptor import MARK, Descriptor
from meter.spool.locks import HIGH
from tests.spool.reading import eventually, lines_in, only, run


def number_of(writer: Writer) -> int:
    return writer._own.number


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def marked(path: Path) -> int:
    return os.open(path, MARK | os.O_CREAT, 0o600)


def test_a_number_the_host_closed_costs_no_record(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert writer.append(b"first")
    os.close(number_of(writer))
    assert only(tmp_path).writer_is_gone()
    assert writer.append(b"second")
    assert sorted(lines_in(tmp_path)) == [b"first", b"second"]
    assert len(segments(tmp_path)) == 2


@contextmanager
def taken_by_the_host(writer: Writer, theirs: Path) -> Iterator[int]:
    """Put a file of the host at the writer's number; at the end it must still be there."""
    taken, low = number_of(writer), opened(theirs)
    os.dup2(low, taken)
    try:
        yield taken
        assert os.fstat(taken).st_ino == os.fstat(low).st_ino
    finally:
        os.close(low)
        os.close(taken)
    assert theirs.read_bytes() == b""


def test_a_number_the_host_uses_for_its_own_file_is_left_to_the_host(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    writer = Writer(spool)
    assert writer.append(b"first")
    with taken_by_the_host(writer, tmp_path / "theirs") as taken:
        assert writer.append(b"second")
        assert writer.append(b"third")
        writer.publish()
        writer.close()
        assert writer.append(b"fourth")
        assert number_of(writer) != taken
    assert sorted(lines_in(spool)) == [b"first", b"fourth", b"second", b"third"]


@pytest.mark.parametrize(
    "last", [Writer.close, Writer.after_fork_in_child, Writer.publish], ids=["close", "fork", "publish"]
)
def test_a_number_taken_by_the_host_is_not_closed_nor_parked(tmp_path: Path, last: Callable[[Writer], None]) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    writer = Writer(spool)
    assert writer.append(b"first")
    with taken_by_the_host(writer, tmp_path / "theirs"):
        last(writer)
        del writer


def test_a_hard_link_or_another_mode_is_no_reason_for_a_new_segment(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert writer.append(b"first")
    assert writer.path is not None
    os.link(writer.path, tmp_path / "copy")
    assert writer.append(b"second")
    writer.path.chmod(0o644)
    assert writer.append(b"third")
    assert lines_in(tmp_path) == [b"first", b"second", b"third"]
    assert len(segments(tmp_path)) == 1


DAEMON = """
import os, sys
from pathlib import Path
from meter.spool import Writer
writer = Writer(Path(sys.argv[1]), segment_bytes=100)
for n in range(20):
    assert writer.append(b"before %d" % n)
if os.fork():
    os._exit(0)
os.setsid()
os.closerange(3, 4096)
for n in range(20):
    assert writer.append(b"after %d" % n)
os.closerange(0, 4096)
for n in range(20):
    assert writer.append(b"later %d" % n)
os._exit(0)
"""


def test_a_daemon_that_closes_every_descriptor_loses_nothing(tmp_path: Path) -> None:
    run(DAEMON, tmp_path)  # returns when the last process has closed its standard output: just before its last records
    expected = {b"%s %d" % (when, n) for when in (b"before", b"after", b"later") for n in range(20)}
    found = eventually(lambda: lines_in(tmp_path), lambda lines: len(lines) == 60)
    assert sorted(found) == sorted(expected)


FEW = """
import resource, sys
from pathlib import Path
from meter.spool import Writer
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
writer = Writer(Path(sys.argv[1]))
assert writer.append(b"one")
print(writer._own.number)
"""


@pytest.mark.parametrize(("limit", "lowest"), [(1024, HIGH), (513, HIGH), (512, 128), (128, 32), (32, 3)])
def test_where_few_descriptors_are_allowed_the_number_is_as_high_as_it_can_be(
    tmp_path: Path, limit: int, lowest: int
) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < limit:
        pytest.skip(f"fewer than {limit} descriptors allowed here")
    assert lowest <= int(run(FEW, tmp_path, limit)) < limit
    assert lines_in(tmp_path) == [b"one"]


def test_a_parked_number_swallows_what_comes_late_and_keeps_its_place(tmp_path: Path) -> None:
    own = Descriptor()
    own.refer_to(marked(tmp_path / "file"))
    number = own.number
    own.park()
    os.write(number, b"late")
    assert own.identity == ()
    assert own.is_ours()
    own.refer_to(marked(tmp_path / "next"))
    assert own.number == number
    assert (tmp_path / "file").read_bytes() == b""


def test_a_number_that_cannot_be_parked_is_given_back(tmp_path: Path) -> None:
    own = Descriptor()
    own.refer_to(marked(tmp_path / "file"))
    number = own.number
    own.park(tmp_path / "missing")
    assert own.number == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
    own.park()
    assert own.number == -1


def test_a_file_of_the_hosts_is_told_from_ours_even_if_it_got_our_inode(tmp_path: Path) -> None:
    own = Descriptor()
    own.refer_to(marked(tmp_path / "file"))
    theirs = opened(tmp_path / "file")  # the same inode: as if ours had been deleted, and the inode given to them
    number = own.number
    os.dup2(theirs, number)
    os.close(theirs)
    assert own.size() is None
    own.park()
    own.close()
    os.close(number)  # was left open


def test_a_number_that_another_writer_of_the_process_got_is_that_writers(tmp_path: Path) -> None:
    one, two = Descriptor(), Descriptor()
    one.refer_to(marked(tmp_path / "one"))
    number = one.number
    os.close(number)
    two.refer_to(marked(tmp_path / "one"))
    assert two.number == number
    assert one.size() is None
    one.close()
    assert two.size() == 0


def test_a_number_given_up_long_ago_is_no_claim(tmp_path: Path) -> None:
    one, two = Descriptor(), Descriptor()
    one.refer_to(marked(tmp_path / "one"))
    first = one.number
    os.close(first)
    two.refer_to(marked(tmp_path / "two"))  # takes the first number
    one.refer_to(marked(tmp_path / "one"))
    second = one.number
    os.close(first)
    one.close()
    one.refer_to(marked(tmp_path / "one"))  # and back
    assert (one.number, second == first) == (first, False)
    two.refer_to(marked(tmp_path / "two"))
    assert one.size() == two.size() == 0
