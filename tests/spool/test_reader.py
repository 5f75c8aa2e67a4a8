from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from meter.spool import Segment, Window, Writer, read_window, segments, whole_lines
from meter.spool.format import MAX_LINE_BYTES, WINDOW_BYTES, frame, used_bytes
from tests.spool.reading import lines_in, lines_of, only, run

LINES = [
    json.dumps({"v": 1, "kind": "call", "id": f"{n:032x}", "tags": {"team": "süß" * n}}).encode() for n in range(3)
]
WHOLE = b"".join(map(frame, LINES))
ENDS = [sum(len(frame(line)) for line in LINES[: n + 1]) for n in range(len(LINES))]


def parsed(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\n") if line]


@pytest.mark.parametrize("cut", range(len(WHOLE) + 1))
def test_a_segment_cut_at_any_byte_loses_only_the_torn_line(cut: int) -> None:
    whole = sum(end <= cut for end in ENDS)
    assert parsed(whole_lines(BytesIO(WHOLE[:cut]), checkpoint=0)) == LINES[:whole]


@pytest.mark.parametrize("cut", range(len(WHOLE) + 1))
def test_a_segment_cut_at_any_byte_and_written_on_keeps_all_lines_but_the_torn_one(cut: int) -> None:
    data = WHOLE[:cut] + frame(b'{"next":1}')
    whole = sum(end - 1 <= cut for end in ENDS)  # a line that lacks only its newline is whole
    found = parsed(whole_lines(BytesIO(data), checkpoint=0))
    assert found[:whole] == LINES[:whole]
    assert found[-1] == b'{"next":1}'
    assert len(found) - whole - 1 <= 1  # and at most one torn line in between


@pytest.mark.parametrize("cut", range(len(WHOLE) + 1))
def test_a_dead_writers_tail_is_a_line_whole_but_for_its_newline_or_torn(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(WHOLE[:cut])
    found = lines_of(only(tmp_path))
    whole = sum(end - 1 <= cut for end in ENDS)
    assert found[:whole] == LINES[:whole]
    assert all(LINES[whole].startswith(torn) for torn in found[whole:])
    assert sum(map(len, found)) == len(WHOLE[:cut].replace(b"\n", b""))


@pytest.mark.parametrize("limit", [*range(300, 330), len(WHOLE), WINDOW_BYTES])
def test_lines_are_the_same_whatever_the_window(limit: int, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(WHOLE * 7)
    assert lines_of(only(tmp_path), limit) == LINES * 7


def test_a_living_writers_tail_waits_for_the_next_read() -> None:
    file = BytesIO(b"\none\n\ntw")
    assert read_window(file, 0) == Window(b"\none\n\n", 6)
    assert read_window(file, 6) == Window(b"", 0)
    assert read_window(file, 6, final=True) == Window(b"tw\n", 2)
    file.write(b"o\n") if file.seek(8) else None
    assert read_window(file, 6) == Window(b"two\n", 4)


def test_a_window_without_a_newline_is_passed_over_with_a_reason(tmp_path: Path) -> None:
    zeros = bytes(3 * 1024 + 5)
    file = BytesIO(frame(b"before") + zeros + frame(b"after"))
    checkpoint, reasons, lines = 0, [], []
    while (window := read_window(file, checkpoint, 1024)).taken:
        checkpoint += window.taken
        reasons += [window.skipped] if window.skipped else []
        lines += parsed(window.data)
    assert lines[0] == b"before"
    assert lines[-1] == b"after"
    assert all(line.strip(b"\0") == b"" for line in lines[1:-1])
    assert reasons == [f"no newline in 1024 bytes at offset {8 + 1024 * n}" for n in range(3)]
    assert checkpoint == len(file.getvalue())


def test_zeros_shorter_than_a_window_end_as_one_line_when_the_writer_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(frame(b"before") + bytes(500))
    assert lines_of(only(tmp_path)) == [b"before", bytes(500)]


def test_the_longest_line_fits_a_window_with_room_to_spare() -> None:
    assert len(frame(bytes(MAX_LINE_BYTES))) * 2 <= WINDOW_BYTES + 4


def test_segments_are_listed_oldest_first_and_other_files_are_not(tmp_path: Path) -> None:
    for age, name in enumerate(["c", "a", "b"]):
        (tmp_path / f"{name}.ndjson").write_bytes(b"x" * age)
        os.utime(tmp_path / f"{name}.ndjson", (age, age))
    (tmp_path / "a.state").touch()
    (tmp_path / "notes.txt").touch()
    found = segments(tmp_path)
    assert [(segment.name, segment.size, segment.readable) for segment in found] == [
        ("c", 0, True),
        ("a", 1, True),
        ("b", 2, True),
    ]
    assert found[1].state_path == tmp_path / "a.state"


def test_a_folder_that_is_not_there_has_no_segments(tmp_path: Path) -> None:
    assert segments(tmp_path / "none") == []


def test_a_file_deleted_while_the_folder_is_listed_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"12345")
    (tmp_path / "b.ndjson").write_bytes(b"123")

    def scan(folder: Path) -> Iterator[os.DirEntry[str]]:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            Path(entry.path).unlink() if entry.name == "a.ndjson" else None
            yield entry

    assert [segment.name for segment in segments(tmp_path, scan)] == ["b"]
    (tmp_path / "a.ndjson").write_bytes(b"12345")
    assert used_bytes(tmp_path) == 8
    assert used_bytes(tmp_path, scan) == 3


UNREADABLE = """
import os, sys
from pathlib import Path
from meter.spool import segments
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
(segment,) = segments(Path(sys.argv[1]))
print(segment.readable, segment.size, segment.writer_is_gone(), segment.delete())
"""


def test_a_segment_that_may_not_be_read_is_listed_as_such() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        (folder / "a.ndjson").write_bytes(b"secret")
        (folder / "a.ndjson").chmod(0)
        assert run(UNREADABLE, folder).split() == ["False", "6", "False", "False"]
    finally:
        shutil.rmtree(folder)


def test_a_segment_goes_with_its_state_and_only_when_its_writer_is_gone(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    assert writer.append(b"one")
    segment = only(tmp_path)
    assert not segment.writer_is_gone()
    assert not segment.delete()
    assert len(list(tmp_path.iterdir())) == 2
    writer.close()
    assert segment.writer_is_gone()
    assert segment.delete()
    assert list(tmp_path.iterdir()) == []
    assert segment.delete()  # by another reader meanwhile
    assert not segment.writer_is_gone()


def test_a_segment_with_bytes_not_yet_read_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(WHOLE)
    assert not only(tmp_path).delete(read_to=len(WHOLE) - 1)
    segment = only(tmp_path)
    with segment.path.open("ab") as late:
        late.write(b"late")
    assert not segment.delete()
    assert segment.delete(read_to=len(WHOLE) + 4)


def test_a_segment_without_a_state_or_with_a_broken_one_still_reads_and_goes(tmp_path: Path) -> None:
    for n, broken in enumerate(
        [b"", b"{", b"\xff" * 4096, b'{"v":2}', b'{"v":1,"seq":3,"end":2}', b"null", b'{"pid":"x"}']
    ):
        (tmp_path / f"{n}.ndjson").write_bytes(frame(LINES[0]))
        (tmp_path / f"{n}.state").write_bytes(broken)
    (tmp_path / "9.ndjson").write_bytes(frame(LINES[0]))
    assert [segment.state() for segment in segments(tmp_path)] == [None] * 8
    assert lines_in(tmp_path) == [LINES[0]] * 8
    assert all(segment.delete() for segment in segments(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_segment_is_found_by_its_name(tmp_path: Path) -> None:
    assert Segment(tmp_path / "ab.ndjson", "ab", 0, True).state_path.name == "ab.state"


def test_a_segment_whose_state_cannot_be_deleted_stays_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").touch()
    (tmp_path / "a.state").mkdir()
    assert not only(tmp_path).delete()
    assert (tmp_path / "a.ndjson").exists()
