"""A reader may look at a segment that its writer has made and not yet locked."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import threading
from pathlib import Path

import pytest

from meter.spool import Writer, forks, locks, segments
from meter.spool.opening import create
from meter.spool.state import State, encode, write
from tests.spool.reading import lines_in

DATA = encode(State())


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_segment_that_a_reader_deleted_before_it_was_locked_is_made_again(tmp_path: Path) -> None:
    deleted: list[str] = []

    def share(descriptor: int) -> bool:
        if len(deleted) < 3:
            (segment,) = segments(tmp_path)
            assert segment.writer_is_gone()
            assert segment.delete()
            deleted.append(segment.path.name)
        return locks.share(descriptor)

    descriptor, path = create(tmp_path, mode=0o600, state_data=DATA, first=b"\nfirst\n", share=share)
    os.close(descriptor)
    assert len(deleted) == 3
    assert names(tmp_path) == {path.name, path.stem + ".state"}
    assert path.read_bytes() == b"\nfirst\n"


def test_a_segment_that_a_reader_holds_is_left_for_another_name(tmp_path: Path) -> None:
    held: list[int] = []

    def share(descriptor: int) -> bool:
        if not held:
            (segment,) = segments(tmp_path)
            held.append(os.open(segment.path, os.O_RDONLY))
            fcntl.flock(held[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        return locks.share(descriptor)

    descriptor, path = create(tmp_path, mode=0o600, state_data=DATA, first=None, share=share)
    os.close(descriptor)
    os.close(held[0])
    assert names(tmp_path) == {path.name, path.stem + ".state"}


def test_a_reader_that_is_always_quicker_is_an_error_and_leaves_no_litter(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="a reader held each of 8 new segments") as caught:
        create(tmp_path, mode=0o600, state_data=DATA, first=None, share=lambda _: False)
    assert caught.value.errno == errno.EAGAIN
    assert names(tmp_path) == set()


def test_a_state_without_its_room_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no room for a state file"):
        write(tmp_path / "a.state", DATA, 0o600, write=lambda _, data: len(data) - 1)


def test_a_fork_brings_every_living_writer_to_rest_and_the_child_starts_anew(tmp_path: Path) -> None:
    writers = [Writer(tmp_path) for _ in range(2)]
    assert all(writer.append(b"before") for writer in writers)
    del writers[1]
    gc.collect()
    forks._before()
    forks._in_parent()
    assert writers[0].append(b"parent")
    assert len(segments(tmp_path)) == 2
    forks._before()
    forks._in_child()
    assert writers[0].path is None
    assert writers[0].append(b"child")
    assert len(segments(tmp_path)) == 3
    assert sorted(lines_in(tmp_path)) == [b"before", b"before", b"child", b"parent"]


def test_a_fork_waits_for_a_thread_that_opens_a_segment(tmp_path: Path) -> None:
    opening, go_on = threading.Event(), threading.Event()

    def first_line() -> bytes:
        opening.set()
        go_on.wait(30)
        return b"process"

    writer = Writer(tmp_path, first_line=first_line, wait_seconds=30)
    threads = [threading.Thread(target=writer.append, args=[b"slow"]), threading.Timer(0.05, go_on.set)]
    for thread in threads:
        thread.start()
    assert opening.wait(30)
    forks._before()
    assert writer.path is not None
    forks._in_parent()
    for thread in threads:
        thread.join()
    assert lines_in(tmp_path) == [b"process", b"slow"]


def test_a_parent_that_waited_in_vain_lets_go_of_nothing(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.after_fork_in_parent()
    assert writer.append(b"one")


def test_a_segment_that_cannot_be_opened_is_neither_gone_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").symlink_to("a.ndjson")
    (segment,) = segments(tmp_path)
    assert not segment.readable
    assert not segment.writer_is_gone()
    assert not segment.delete()
