"""Ingest, from segments: every line once, torn tails wait, segments deleted when they may be, checkpoints kept with the rows."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from meter import guard
from meter.home import Home, ensure
from meter.ledger import Ingested, Ledger, ingest
from meter.spool import Segment, Writer
from tests.ledger.records import call, counts, framed, outcome, process, rows, segment, value


def test_a_segment_is_deleted_with_its_state_when_its_writer_is_gone(ledger: Ledger) -> None:
    path = segment(ledger.home, call())
    path.with_suffix(".state").write_bytes(b"{}")
    assert ingest(ledger).segments == 1
    assert list(ledger.home.spool.iterdir()) == []


def test_a_living_writers_segment_is_read_again_and_again_and_stays(ledger: Ledger) -> None:
    writer = Writer(ledger.home.spool)
    for expected in (1, 2, 3):
        assert writer.append(call())
        done = ingest(ledger)
        assert (done.calls, done.segments, done.lag_bytes) == (1, 0, 0)
        assert counts(ledger)["calls"] == expected
    writer.close()
    assert ingest(ledger).segments == 1
    assert counts(ledger)["calls"] == 3


def test_a_torn_tail_waits_while_its_writer_lives(ledger: Ledger) -> None:
    writer = Writer(ledger.home.spool)
    writer.append(call())
    (path,) = ledger.home.spool.glob("*.ndjson")
    whole = call()
    with path.open("ab") as file:
        file.write(b"\n" + whole[:40])
    assert ingest(ledger) == Ingested(lines=1, calls=1, bytes=path.stat().st_size - 40, lag_bytes=40)
    with path.open("ab") as file:
        file.write(whole[40:] + b"\n")
    assert ingest(ledger).calls == 1
    assert counts(ledger) == {"calls": 2, "outcomes": 0, "processes": 0, "dead_letters": 0}
    writer.close()


@pytest.mark.parametrize(("kept", "calls", "letters"), [(None, 2, 0), (40, 1, 1), (0, 1, 0)])
def test_the_tail_of_a_writer_that_is_gone_is_a_line_like_any_other(
    ledger: Ledger, kept: int | None, calls: int, letters: int
) -> None:
    segment(ledger.home, call(), end=b"\n" + call()[:kept])
    done = ingest(ledger)
    assert (done.calls, done.dead_letters, done.segments, done.lag_bytes) == (calls, letters, 1, 0)


def test_zeros_as_long_as_a_window_are_one_dead_letter_and_what_follows_is_read(ledger: Ledger) -> None:
    path = segment(ledger.home, call(), end=b"\0" * (9 << 20) + framed([call()]))
    size = path.stat().st_size
    done = ingest(ledger)
    assert (done.lines, done.calls, done.dead_letters, done.bytes, done.segments) == (4, 2, 2, size, 1)
    found = rows(ledger, "SELECT position, size, reason FROM ledger.dead_letters ORDER BY position")
    first = len(framed([call()]))
    assert found[0] == (first, 8 << 20, f"no newline in 8388608 bytes at offset {first}")
    assert found[1][:2] == (first + (8 << 20), 1 << 20)


def test_a_line_longer_than_usual_is_read(ledger: Ledger) -> None:
    segment(ledger.home, call(), call(raw={"text": "x" * (3 << 20)}), call())
    assert ingest(ledger).calls == 3
    assert value(ledger, "SELECT max(length(raw)) FROM ledger.raw_usage") == (3 << 20) + 11


def test_nothing_is_made_where_nothing_was_recorded(home: Home) -> None:
    assert ingest(Ledger(home)) == Ingested()
    ensure(home)
    assert ingest(Ledger(home)) == Ingested()
    assert not home.ledger.exists()


def test_reading_again_doubles_nothing(ledger: Ledger) -> None:
    lines = [process(), *(call() for _ in range(5)), outcome(), b"{torn"]
    path = segment(ledger.home, *lines)
    content = path.read_bytes()
    before = ingest(ledger)
    assert (before.duplicates, before.dead_letters) == (0, 1)
    found = counts(ledger)
    with ledger.writing() as con:
        con.execute("DELETE FROM ledger.checkpoints")
    path.write_bytes(content)
    again = ingest(ledger)
    assert (again.lines, again.duplicates, again.calls + again.outcomes + again.processes + again.dead_letters) == (
        8,
        8,
        0,
    )
    assert counts(ledger) == found
    path.write_bytes(content)
    assert ingest(ledger).lines == 0  # its checkpoint says that it is read


def test_a_call_recorded_twice_counts_once_also_within_a_batch(ledger: Ledger) -> None:
    once = call()
    segment(ledger.home, once, call(), once)
    segment(ledger.home, once)
    done = ingest(ledger)
    assert (done.lines, done.calls, done.duplicates) == (4, 2, 2)


def test_a_segment_that_grows_after_its_last_reading_is_not_deleted(ledger: Ledger) -> None:
    path = segment(ledger.home, call())

    def step(name: str) -> None:
        if name == "committed" and path.stat().st_size == size:
            with path.open("ab") as file:
                file.write(framed([call()]))

    size = path.stat().st_size
    assert ingest(ledger, step=step).segments == 0
    assert ingest(ledger).calls == 1
    assert not path.exists()


def test_what_a_writer_lost_is_kept_when_its_segment_goes(ledger: Ledger) -> None:
    writer = Writer(ledger.home.spool, failures={"openai.chat": 2})
    writer.append(call())
    assert not writer.append(b"x" * (5 << 20))
    ingest(ledger)
    writer.close()
    assert ingest(ledger).segments == 1
    lost = "SELECT lost, lost_bytes >= 5 << 20, pid, started_at IS NOT NULL FROM ledger.checkpoints"
    assert rows(ledger, lost) == [(1, True, os.getpid(), True)]
    assert json.loads(value(ledger, "SELECT failures FROM ledger.checkpoints")) == {
        "openai.chat": 2,
        "spool.oversized": 1,
    }
    assert value(ledger, "SELECT sum(lost_calls) FROM coverage") == 1


def test_a_segment_that_vanishes_or_may_not_be_read_stops_nobody(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = segment(ledger.home, call())
    segment(ledger.home, call())
    dying = segment(ledger.home, call())
    open_really = Segment.open

    def vanish(segment: Segment) -> BinaryIO:
        if segment.path == gone:
            raise FileNotFoundError(segment.path)
        if segment.path == dying:
            raise OSError(errno.EIO, "a dying disk")
        return open_really(segment)

    before = guard.failures["ledger.segment"]
    with monkeypatch.context() as patch:
        patch.setattr(Segment, "open", vanish)
        assert ingest(ledger).calls == 1
    assert guard.failures["ledger.segment"] == before + 1
    assert ingest(ledger).calls == 2
    segment(ledger.home, call())
    monkeypatch.setattr("meter.spool.reader.os.access", lambda path, _: Path(path).is_dir())
    assert ingest(ledger) == Ingested()
