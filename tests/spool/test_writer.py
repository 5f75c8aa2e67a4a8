from __future__ import annotations

import fcntl
import gc
import logging
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from meter.spool import Writer, segments
from meter.spool.format import MAX_LINE_BYTES
from meter.spool.locks import HIGH
from meter.spool.writer import LOUD_S, ROOM_S
from tests.spool.reading import Clock, drain, lines_in, lines_of, only


def number_of(writer: Writer) -> int:
    return writer._own.number


def test_a_record_is_a_newline_the_line_and_a_newline(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert writer.append(b'{"a":1}')
    assert writer.append(b'{"a":2}')
    assert only(tmp_path).path.read_bytes() == b'\n{"a":1}\n\n{"a":2}\n'


def test_a_record_is_one_write(tmp_path: Path) -> None:
    written: list[bytes] = []

    def write(number: int, data: bytes) -> int:
        written.append(data)
        return os.write(number, data)

    writer = Writer(tmp_path, write=write)
    assert writer.append(b"one")
    assert writer.append(b"two")
    assert written == [b"\none\n", b"\ntwo\n"]


def test_a_newline_in_a_line_becomes_a_blank(tmp_path: Path) -> None:
    writer = Writer(tmp_path, first_line=lambda: b'{\n"first":1}')
    for _ in range(2):
        assert writer.append(b'{\n  "a": 1\n}')
    assert lines_in(tmp_path) == [b'{ "first":1}'] + [b'{   "a": 1 }'] * 2


def test_nothing_is_opened_before_the_first_record(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "not yet there")
    assert writer.path is None
    assert number_of(writer) == -1
    writer.close()


def test_the_name_is_32_hex_digits(tmp_path: Path) -> None:
    assert Writer(tmp_path).append(b"one")
    assert len(bytes.fromhex(only(tmp_path).name)) == 16


def test_the_descriptor_sits_high_and_is_closed_on_exec(tmp_path: Path) -> None:
    writer = Writer(tmp_path, segment_bytes=1)
    for _ in range(3):
        assert writer.append(b"one")
        assert number_of(writer) >= HIGH
        assert fcntl.fcntl(number_of(writer), fcntl.F_GETFD) & fcntl.FD_CLOEXEC


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_files_have_their_mode_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    try:
        assert Writer(tmp_path, file_mode=mode).append(b"one")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {mode}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_segment_is_replaced_when_it_is_long(tmp_path: Path) -> None:
    writer = Writer(tmp_path, segment_bytes=100)
    assert all(writer.append(b"%030d" % n) for n in range(20))
    found = segments(tmp_path)
    assert [segment.size for segment in found] == [128] * 5
    assert sorted(lines_in(tmp_path)) == [b"%030d" % n for n in range(20)]


def test_a_segment_is_replaced_when_it_is_old(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(tmp_path, clock=clock, segment_seconds=600)
    assert writer.append(b"one")
    clock.time += 599
    assert writer.append(b"two")
    assert len(segments(tmp_path)) == 1
    clock.time += 1
    assert writer.append(b"three")
    assert sorted(len(lines_of(segment)) for segment in segments(tmp_path)) == [1, 2]


def test_a_replaced_segment_keeps_its_number_and_loses_its_lock(tmp_path: Path) -> None:
    writer = Writer(tmp_path, segment_bytes=1)
    assert writer.append(b"one")
    first, number = only(tmp_path), number_of(writer)
    assert not first.writer_is_gone()
    assert writer.append(b"two")
    assert number_of(writer) == number
    assert first.writer_is_gone()
    state = first.state()
    assert state is not None
    assert state.closed
    assert state.bytes_written == first.size


def test_each_segment_begins_with_the_first_line(tmp_path: Path) -> None:
    writer = Writer(tmp_path, segment_bytes=1, first_line=lambda: b"process")
    assert writer.append(b"one")
    assert writer.append(b"two")
    assert sorted(map(lines_of, segments(tmp_path))) == [[b"process", b"one"], [b"process", b"two"]]


@pytest.mark.parametrize("line", [None, b"x" * (MAX_LINE_BYTES + 1)])
def test_a_first_line_that_cannot_be_had_does_no_harm(tmp_path: Path, line: bytes | None) -> None:
    def first_line() -> bytes:
        if line is None:
            raise ValueError("no first line")
        return line

    writer = Writer(tmp_path, first_line=first_line)
    assert writer.append(b"one")
    assert lines_in(tmp_path) == [b"one"]


def test_a_line_too_long_for_a_reader_is_lost_and_counted(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert writer.append(b"x" * MAX_LINE_BYTES)
    assert not writer.append(b"x" * (MAX_LINE_BYTES + 1))
    assert writer.append(b"one")
    states = [segment.state() for segment in segments(tmp_path)]
    assert sum(state.lost for state in states if state) == 1
    assert sum(state.lost_bytes for state in states if state) == MAX_LINE_BYTES + 3
    assert sorted(map(len, lines_in(tmp_path))) == [3, MAX_LINE_BYTES]


def test_a_full_folder_loses_records_counts_them_says_so_and_recovers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    writer = Writer(tmp_path, max_bytes=65536, clock=clock, first_line=lambda: b"process")
    line = b"x" * 998
    with caplog.at_level(logging.ERROR, "meter"):
        kept = sum(writer.append(line) for _ in range(100))
        assert 0 < kept < 65
        assert not writer.append(line)
        clock.time += LOUD_S
        assert not writer.append(line)
    assert len(caplog.records) == 2
    assert "1 records lost so far" in caplog.messages[0]
    assert f"{102 - kept} records lost so far" in caplog.messages[1]
    assert "holds its limit of 65536 bytes" in caplog.messages[1]

    states = [segment.state() for segment in segments(tmp_path)]
    assert sum(state.lost for state in states if state) == 102 - kept
    assert sum(state.lost_bytes for state in states if state) == 1000 * (102 - kept)

    assert drain(tmp_path).count(line) == kept
    assert not writer.append(line)  # looked at a second ago at most
    clock.time += ROOM_S
    assert writer.append(line)
    assert lines_in(tmp_path) == [b"process", line]


def test_a_full_folder_lets_go_of_the_full_segment_so_that_a_reader_can_free_it(tmp_path: Path) -> None:
    writer = Writer(tmp_path, max_bytes=32768, segment_bytes=1 << 20)
    while writer.append(b"x" * 1000):
        pass
    held = [segment for segment in segments(tmp_path) if not segment.writer_is_gone()]
    assert [segment.size for segment in held] == [0]


def test_a_folder_that_stays_full_is_not_filled_with_empty_segments(tmp_path: Path) -> None:
    clock = Clock()
    writer = Writer(tmp_path, max_bytes=0, clock=clock)
    for _ in range(5):
        assert not writer.append(b"lost")
        clock.time += ROOM_S
    state = only(tmp_path).state()
    assert state is not None
    assert (state.lost, state.failures) == (5, {"spool.full": 5})


def test_closing_lets_go_and_the_next_record_opens_another_segment(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert writer.append(b"one")
    first, number = only(tmp_path), number_of(writer)
    writer.close()
    writer.close()
    assert first.writer_is_gone()
    assert writer.append(b"two")
    assert number_of(writer) == number
    assert sorted(lines_in(tmp_path)) == [b"one", b"two"]
    assert len(segments(tmp_path)) == 2


def test_a_record_caught_between_the_check_and_the_write_by_close_is_kept(tmp_path: Path) -> None:
    closing = threading.Event()

    def write(number: int, data: bytes) -> int:
        if data == b"\ntwo\n":
            writer.close()
            closing.set()
        return os.write(number, data)

    writer = Writer(tmp_path, write=write)
    assert writer.append(b"one")
    assert writer.append(b"two")
    assert closing.is_set()
    assert lines_in(tmp_path) == [b"one", b"two"]


def test_a_record_caught_between_the_check_and_the_write_by_a_rotation_is_kept(tmp_path: Path) -> None:
    clock = Clock()

    def write(number: int, data: bytes) -> int:
        if data == b"\ntwo\n":
            clock.time += 600
            assert writer.append(b"three")
        return os.write(number, data)

    writer = Writer(tmp_path, write=write, clock=clock)
    assert writer.append(b"one")
    assert writer.append(b"two")
    assert sorted(map(lines_of, segments(tmp_path))) == [[b"one"], [b"three", b"two"]]


def test_a_finalizer_that_records_while_its_thread_opens_a_segment_is_written_after(tmp_path: Path) -> None:
    class Stream:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            results.append(writer.append(b"from a finalizer"))

    def first_line() -> bytes:
        Stream()
        gc.collect()
        writer.close()  # does nothing in the midst of opening
        writer.publish()
        return b"process"

    results: list[bool] = []
    writer = Writer(tmp_path, first_line=first_line, segment_bytes=200)
    for n in range(20):
        assert writer.append(b"%030d" % n)
    assert len(results) == len(segments(tmp_path)) > 2
    assert all(results)
    found = lines_in(tmp_path)
    assert found.count(b"from a finalizer") == found.count(b"process") == len(results)
    assert len(found) == 20 + 2 * len(results)


def test_a_thread_that_waits_too_long_leaves_its_record_to_the_other(tmp_path: Path) -> None:
    opening, go_on = threading.Event(), threading.Event()

    def first_line() -> bytes:
        opening.set()
        go_on.wait(30)
        return b"process"

    writer = Writer(tmp_path, first_line=first_line, wait_seconds=0.01)
    slow = threading.Thread(target=writer.append, args=[b"slow"])
    slow.start()
    assert opening.wait(30)
    assert writer.append(b"impatient")
    assert lines_in(tmp_path) == []
    go_on.set()
    slow.join(30)
    assert lines_in(tmp_path) == [b"process", b"slow", b"impatient"]


@pytest.mark.parametrize("slow", [Writer.close, Writer.publish])
def test_a_record_that_could_not_wait_for_a_slow_disk_is_written_after(
    tmp_path: Path, slow: Callable[[Writer], None]
) -> None:
    stuck, go_on = threading.Event(), threading.Event()

    def now() -> float:
        if threading.current_thread() is thread:
            stuck.set()
            go_on.wait(30)
        return 0.0

    clock = Clock()
    writer = Writer(tmp_path, now=now, clock=clock, wait_seconds=0.01)
    thread = threading.Thread(target=slow, args=[writer])
    assert writer.append(b"one")
    thread.start()
    assert stuck.wait(30)
    clock.time += 600
    assert writer.append(b"impatient")
    go_on.set()
    thread.join()
    assert sorted(lines_in(tmp_path)) == [b"impatient", b"one"]


def test_the_state_goes_out_without_a_record_when_asked(tmp_path: Path) -> None:
    failures: dict[str, int] = {}
    writer = Writer(tmp_path, failures=failures)
    failures["hook"] = 3
    writer.publish()
    state = only(tmp_path).state()
    assert state is not None
    assert state.failures == {"hook": 3}
    assert lines_in(tmp_path) == []


def test_a_writer_nobody_holds_gives_its_number_back(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert writer.append(b"one")
    number = number_of(writer)
    os.fstat(number)
    del writer
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
    assert only(tmp_path).writer_is_gone()
