"""A spool that others meddle with, and a machine without room: nothing is lost in silence, and one bad file stops no other."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from meter.errors import MeterError
from meter.home import Home
from meter.ledger import Ledger, ingest, letters, scratch, storing
from meter.spool import Segment, Writer, segments
from meter.spool.format import STATE_BYTES
from tests.ledger.records import call, counts, framed, rows, segment, value


class Full:
    """A file that takes a part of what it is given, and then no more."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def write(self, data: bytes) -> int:
        taken = data[: self.room]
        self.room -= len(taken)
        self.file.write(taken)
        if len(taken) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(taken)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1, 1000, 200_000])
@pytest.mark.parametrize("in_memory", [True, False])
def test_a_batch_that_finds_no_room_ends_the_ingest_and_loses_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, room: int, in_memory: bool
) -> None:
    for count in (500, 300):
        segment(ledger.home, *(call() for _ in range(count)))
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    really = scratch._open
    with monkeypatch.context() as patch, pytest.raises(MeterError, match="no room to read the spool") as caught:
        patch.setattr(scratch, "_open", lambda closing: (Full((opened := really(closing))[0], room), opened[1]))
        ingest(ledger)
    assert caught.value.hint
    assert "nothing is lost" in caught.value.hint
    assert counts(ledger) == {"calls": 0, "outcomes": 0, "processes": 0, "dead_letters": 0}
    assert ingest(ledger).calls == 800
    assert counts(ledger) == {"calls": 800, "outcomes": 0, "processes": 0, "dead_letters": 0}


def test_a_scratch_file_that_cannot_be_made_or_flushed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made = scratch.Scratch()
    made.write(b"x")
    with monkeypatch.context() as patch, pytest.raises(MeterError, match="does not fit into memory"):
        patch.setattr(made, "file", Full(made.file, 0))
        patch.setattr(Full, "flush", lambda self: self.write(b"y"), raising=False)
        made.sealed()
    made.close()

    def refuse(name: str) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "memfd_create", refuse)
    with pytest.raises(MeterError, match="Too many open files"):
        scratch.Scratch()


@pytest.mark.parametrize("kept", [0, 7, 400])
def test_a_living_segment_that_was_cut_is_read_again_from_its_beginning(ledger: Ledger, kept: int) -> None:
    path = ledger.home.spool / f"{os.urandom(16).hex()}.ndjson"
    writer = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    fcntl.flock(writer, fcntl.LOCK_SH)
    os.write(writer, framed([call() for _ in range(50)]))
    size = path.stat().st_size
    assert ingest(ledger).calls == 50
    os.truncate(path, kept)
    os.write(writer, framed([call() for _ in range(20)]))
    done = ingest(ledger)
    assert done.calls == 20
    assert done.lag_bytes == 0
    os.write(writer, framed([call()]))
    assert ingest(ledger).calls == 1
    os.close(writer)
    assert ingest(ledger).segments == 1
    assert counts(ledger)["calls"] == 71
    found = value(ledger, "SELECT reason FROM ledger.dead_letters WHERE size = 0")
    assert found.startswith(f"the segment was cut or replaced: {size} bytes had been read and it has ")


def test_a_segment_cut_to_nothing_is_told_of_and_goes_with_its_writer(ledger: Ledger) -> None:
    path = segment(ledger.home, call())
    with path.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        ingest(ledger)
        os.truncate(path, 0)
        assert ingest(ledger).dead_letters == 1
    assert ingest(ledger).segments == 1
    assert not path.exists()


def test_a_segment_that_was_replaced_by_a_shorter_one_is_read_before_it_goes(ledger: Ledger) -> None:
    path = segment(ledger.home, *(call() for _ in range(50)))
    with path.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        assert ingest(ledger).calls == 50
    other = segment(ledger.home, *(call() for _ in range(20)))
    other.replace(path)
    done = ingest(ledger)
    assert (done.calls, done.dead_letters, done.segments) == (20, 1, 1)


def test_a_segment_shorter_than_what_was_read_is_never_deleted(ledger: Ledger) -> None:
    path = segment(ledger.home, call(), call())

    def step(name: str) -> None:
        if name == "committed" and path.stat().st_size == size:
            path.write_bytes(framed([call()]))

    size = path.stat().st_size
    assert ingest(ledger, step=step).segments == 0
    assert ingest(ledger).calls == 1
    assert not path.exists()


def fifo(home: Home) -> None:
    os.mkfifo(home.spool / f"{'a' * 32}.ndjson")


def link(home: Home) -> None:
    (home.path / "secret").write_text("not for the ledger\n")
    (home.spool / f"{'b' * 32}.ndjson").symlink_to(home.path / "secret")


def folder(home: Home) -> None:
    (home.spool / f"{'c' * 32}.ndjson").mkdir()


def no_utf8(home: Home) -> None:
    (home.spool / os.fsdecode(b"\xe9\xe8.ndjson")).write_bytes(framed([call()]))


def state_fifo(home: Home) -> None:
    os.mkfifo(segment(home).with_suffix(".state"))


def state_link(home: Home) -> None:
    (home.path / "secret").write_text('{"lost": 5}')
    segment(home).with_suffix(".state").symlink_to(home.path / "secret")


ODD: list[Callable[[Home], None]] = [fifo, link, folder, no_utf8, state_fifo, state_link]


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_file_of_a_writers_stops_no_ingest(ledger: Ledger, odd: Callable[[Home], None]) -> None:
    segment(ledger.home, call())
    odd(ledger.home)
    assert ingest(ledger).calls == 1
    assert ingest(ledger).lag_bytes == 0
    assert value(ledger, "SELECT count(*) + coalesce(sum(lost), 0) FROM ledger.dead_letters, ledger.checkpoints") == 0
    if odd in (fifo, link, folder, no_utf8):
        assert [found.readable for found in segments(ledger.home.spool)] == [False]  # and so it is shown


def test_a_file_that_becomes_a_fifo_after_it_was_listed_is_left_alone(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = segment(ledger.home, call())
    segment(ledger.home, call())
    really = Segment.writer_is_gone

    def swapped(self: Segment) -> bool:
        if self.path == path and path.is_file():
            path.unlink()
            os.mkfifo(path)
        return really(self)

    monkeypatch.setattr(Segment, "writer_is_gone", swapped)
    assert ingest(ledger).calls == 1
    assert not Segment(path, path.stem, 0, True).delete()


@pytest.mark.parametrize(
    "odd",
    [
        {"lost": 2**63 - 1},
        {"lost": 2**70},
        {"lost": -1},
        {"lost_bytes": 2**63},
        {"failures": {"a": 2**63 - 1, "b": 1}},
        {"started": 9 * 10**18},
        {"pid": 2**80},
        {"host": "\0"},
    ],
)
def test_a_state_beyond_belief_costs_no_line(ledger: Ledger, odd: dict[str, Any]) -> None:
    for _ in range(2):
        state = segment(ledger.home, call()).with_suffix(".state")
        state.write_bytes(json.dumps(odd).encode().ljust(STATE_BYTES))
    assert ingest(ledger).calls == 2
    assert value(ledger, "SELECT sum(lost) FROM ledger.checkpoints") == 0
    assert list(ledger.home.spool.iterdir()) == []


def test_only_the_checkpoints_of_what_lies_in_the_spool_are_read(ledger: Ledger) -> None:
    path = segment(ledger.home, call())
    with path.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        for _ in range(3):
            segment(ledger.home, call())
        ingest(ledger)
        with ledger.writing() as con:
            assert list(storing.checkpoints(con, [path.stem])) == [path.stem]
            assert storing.checkpoints(con, []) == {}


def test_old_checkpoints_are_forgotten_unless_a_sum_needs_them(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(name: str, days: int, lost: int = 0, failures: str = "{}") -> None:
        con.execute(
            "INSERT INTO ledger.checkpoints VALUES (?, 9, 7, 'web-1', now(), ?, 0, ?, now() - to_days(?))",
            [name, lost, failures, days],
        )

    there = segment(ledger.home, call())
    with ledger.writing() as con:
        add("gone", days=2)
        add("fresh", days=0)
        add("loser", days=99, lost=3)
        add("failed", days=99, failures='{"openai.chat": 2}')
        add(there.stem, days=99)
        assert storing.forget(con, [there.stem]) == 0  # one is not worth a commit
    monkeypatch.setattr(storing, "FORGET_FROM", 1)
    ingest(ledger)
    kept = "SELECT segment FROM ledger.checkpoints ORDER BY lost DESC, failures DESC, segment"
    assert {name for (name,) in rows(ledger, kept)} == {"loser", "failed", "fresh", there.stem}
    assert value(ledger, "SELECT sum(lost_calls) FROM coverage") == 3


def test_a_file_that_comes_back_without_its_checkpoint_doubles_nothing(ledger: Ledger) -> None:
    path = segment(ledger.home, call(), b"{torn")
    content = path.read_bytes()
    ingest(ledger)
    with ledger.writing() as con:
        con.execute("UPDATE ledger.checkpoints SET updated_at = now() - INTERVAL 2 DAY")
        con.execute("INSERT INTO ledger.checkpoints SELECT known.* FROM ledger.checkpoints AS known, range(999)")
        assert storing.forget(con, []) == 1000
    path.write_bytes(content)
    assert ingest(ledger).duplicates == 2
    assert counts(ledger) == {"calls": 1, "outcomes": 0, "processes": 0, "dead_letters": 1}


def test_a_line_of_a_newer_schema_is_kept_whole_and_read_once_it_is_known(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = call(raw={"text": "y" * 5000})
    newer = line.replace(b'"v":1', b'"v":2')
    other = newer[:-1] + b',"usage":[1]}'
    segment(ledger.home, newer, call(), other)
    done = ingest(ledger)
    assert (done.calls, done.dead_letters) == (1, 2)
    told = rows(ledger, "SELECT size, excerpt, reason FROM ledger.dead_letters ORDER BY position")
    assert [(size, excerpt) for size, excerpt, _ in told] == [(len(newer), newer), (len(other), other)]
    assert all(reason.startswith("schema version 2 is newer than 1: upgrade spendmeter here") for *_, reason in told)
    segment(ledger.home, call())
    assert ingest(ledger).calls == 1  # it stays where it is as long as this Meter does not know it
    with ledger.writing() as con:  # as if a Meter that knew no schema had buried a line that this one reads
        con.execute("DELETE FROM ledger.dead_letters WHERE excerpt = ?", [other])
        con.execute(
            "UPDATE ledger.dead_letters SET excerpt = ?, reason = 'schema version 1 is newer than 0: upgrade'", [line]
        )
    segment(ledger.home, call())
    assert ingest(ledger).calls == 2
    assert counts(ledger)["dead_letters"] == 0
    assert value(ledger, "SELECT max(length(raw)) FROM ledger.raw_usage") > 5000
    assert rows(
        ledger, "SELECT lines - calls - outcomes - processes - dead_letters - duplicates FROM ledger.ingested"
    ) == [(0,)]


def test_a_letter_that_the_spool_does_not_take_back_stays(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with ledger.writing() as con:
        con.execute(
            "INSERT INTO ledger.dead_letters VALUES ('a', 0, ?, 'schema version 1 is newer than 0', ?, now())",
            [len(line := call()), line],
        )
        with monkeypatch.context() as patch:
            patch.setattr(Writer, "append", lambda *_: False)
            assert letters.revive(con, ledger.home) == 0
    assert counts(ledger)["dead_letters"] == 1
