"""From spool to ledger: every line once, segments deleted when they may be, checkpoints kept with the rows."""

from __future__ import annotations

import errno
import json
import os
import time
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from meter import event, guard
from meter.errors import LedgerLocked, MeterError
from meter.home import Home, ensure
from meter.ledger import Ingested, Ledger, ingest, ingestion
from meter.ledger.batch import Batch
from meter.spool import Segment, Writer
from tests.ledger.records import TS, call, counts, framed, outcome, process, rows, segment, value


def test_each_kind_of_line_becomes_a_row_of_its_table(ledger: Ledger) -> None:
    path = segment(ledger.home, process(), call(), call(), outcome())
    size = path.stat().st_size
    assert ingest(ledger) == Ingested(lines=4, calls=2, outcomes=1, processes=1, bytes=size, segments=1)
    assert counts(ledger) == {"calls": 2, "outcomes": 1, "processes": 1, "dead_letters": 0}
    assert value(ledger, "SELECT sum(effective_cost) FROM calls") == Decimal("0.000480000000")
    assert rows(
        ledger, "SELECT lines, calls, outcomes, processes, dead_letters, duplicates, bytes FROM ledger.ingested"
    ) == [(4, 2, 1, 1, 0, 0, size)]


def test_every_field_of_a_call_arrives(ledger: Ledger) -> None:
    fields: dict[str, Any] = {
        "dur": 1_500_000, "ttft": 250_000, "service": "shop", "host": "node-1", "pid": 7, "response_id": "chatcmpl-1",
        "tier": "default", "requested_tier": "auto", "account": "org-1", "project": "proj-1", "key": "0123456789ab",
        "region": "eu", "deployment": "d1", "context": {"speed": "fast"}, "raw": {"prompt_tokens": 1000}, "sent_chars": 9,
        "seen_chars": 8, "error": "Timeout", "attempts": 3, "billed": True, "parent": "0" * 31 + "1", "stream": True, "chunks": 5,
        "reported_cost": "0.25", "reported_currency": "EUR",
        "trace": "0af7651916cd43dd8448eb211c80319c", "span": "00f067aa0ba902b7",
    }  # fmt: skip
    segment(ledger.home, call(**fields))
    ingest(ledger)
    columns = (
        "duration_s, time_to_first_token_s, service, host, pid, response_id, service_tier, account, project, key_id, region,"
        "deployment, context, error_type, attempts, parent_id::VARCHAR, stream, trace_id, span_id, started_at, operation, api,"
        "server_address, tags"
    )
    moment = datetime.fromtimestamp(TS / 1e6, timezone.utc)
    assert rows(ledger, f"SELECT {columns} FROM calls") == [
        (
            *(1.5, 0.25, "shop", "node-1", 7, "chatcmpl-1", "default", "org-1", "proj-1", "0123456789ab", "eu", "d1"),
            *(
                {"speed": "fast"},
                "Timeout",
                3,
                "00000000-0000-0000-0000-000000000001",
                True,
                fields["trace"],
                fields["span"],
            ),
            *(moment, "chat", "openai.chat", "api.openai.com", {"team": "search"}),
        )
    ]
    kept = "requested_tier, sent_chars, seen_chars, billed, chunks, reported_cost, reported_currency, raw"
    assert rows(ledger, f"SELECT {kept} FROM ledger.calls JOIN ledger.raw_usage USING (id)") == [
        ("auto", 9, 8, True, 5, Decimal("0.25"), "EUR", '{"prompt_tokens":1000}')
    ]


def test_what_a_line_does_not_say_is_unknown(ledger: Ledger) -> None:
    line = event.encode(event.Call(v=1, id=event.new_id(TS), ts=TS))
    segment(ledger.home, line)
    ingest(ledger)
    counts = "input_tokens, output_tokens, total_tokens, cache_write_tokens, other_usage"
    assert rows(
        ledger, f"SELECT {counts}, effective_cost, tags, service, provider, stream, price_status FROM calls"
    ) == [(*[None] * 10, "no_usage")]


def test_a_clock_that_jumps_costs_the_duration_and_not_the_call(ledger: Ledger) -> None:
    segment(ledger.home, call(dur=-5, ttft=-6))
    ingest(ledger)
    assert rows(ledger, "SELECT duration_s, time_to_first_token_s, effective_cost FROM calls") == [
        (None, None, Decimal("0.00024"))
    ]


def test_an_outcome_keeps_its_exact_value_and_counts_one_by_default(ledger: Ledger) -> None:
    segment(
        ledger.home,
        outcome(value="0.000000000001", tags={"team": "b", "area": "a"}),
        outcome(value=None, currency=None, quantity="2.5"),
    )
    ingest(ledger)
    assert rows(
        ledger, "SELECT name, value, currency, quantity, tags, occurred_at FROM outcomes ORDER BY quantity"
    ) == [
        (
            "ticket_resolved",
            Decimal("1e-12"),
            "USD",
            Decimal(1),
            {"area": "a", "team": "b"},
            datetime.fromtimestamp(TS / 1e6, timezone.utc),
        ),
        ("ticket_resolved", None, None, Decimal("2.5"), None, datetime.fromtimestamp(TS / 1e6, timezone.utc)),
    ]


def test_a_process_line_names_the_segment_that_it_opens(ledger: Ledger) -> None:
    one = segment(ledger.home, process(service="one"), call())
    other = segment(ledger.home, process(service="other", sdks={"openai": "3.54"}, python="3.11", meter="0.1"), call())
    stray = segment(ledger.home, call(), process(service="stray"))
    ingest(ledger)
    assert stray not in (one, other)
    assert rows(ledger, "SELECT service, segment, sdks, hooks FROM ledger.processes ORDER BY service") == [
        ("one", one.stem, None, '{"openai":"patched"}'),
        ("other", other.stem, '{"openai":"3.54"}', '{"openai":"patched"}'),
        ("stray", None, None, '{"openai":"patched"}'),
    ]


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


def test_many_segments_share_a_batch_and_each_has_its_checkpoint(ledger: Ledger) -> None:
    paths = [segment(ledger.home, *(call() for _ in range(n))) for n in range(30)]
    sizes = {path.stem: path.stat().st_size for path in paths}
    steps: list[str] = []
    done = ingest(ledger, step=steps.append)
    assert (done.calls, done.segments) == (sum(range(30)), 30)
    assert steps.count("committed") == 1
    assert dict(rows(ledger, "SELECT segment, position FROM ledger.checkpoints")) == {
        k: v for k, v in sizes.items() if v
    }


def test_a_backlog_is_taken_in_batches_and_progress_is_told(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "BATCH_BYTES", 4000)
    path = segment(ledger.home, *(call() for _ in range(50)))
    size = path.stat().st_size
    told: list[tuple[int, int]] = []
    steps: list[str] = []
    done = ingest(ledger, progress=lambda at, of: told.append((at, of)), step=steps.append)
    assert (done.calls, done.bytes, done.segments) == (50, size, 1)
    assert told[-1] == (size, size)
    assert told == sorted(told)
    assert steps.count("committed") == 1  # a window is the least that is taken


def test_the_ledger_is_let_go_of_between_batches_when_it_takes_long(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion, "BATCH_BYTES", 1)
    monkeypatch.setattr(ingestion, "HOLD_S", 0)
    for _ in range(3):
        segment(ledger.home, call())
    free: list[bool] = []

    def step(name: str) -> None:
        if name == "closed":
            with ledger.reading(timeout_s=0):
                free.append(True)

    assert ingest(ledger, step=step).calls == 3
    assert free == [True] * 3


def test_a_budget_ends_the_ingest_and_the_rest_is_lag(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "BRIEF_BYTES", 1)
    sizes = [segment(ledger.home, call()).stat().st_size for _ in range(3)]
    done = ingest(ledger, budget_s=0)
    assert (done.calls, done.lag_bytes) == (1, sum(sizes) - done.bytes)
    assert ingest(ledger, budget_s=60).calls == 2


def test_lines_that_come_meanwhile_wait_for_the_next_ingest(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "HOLD_S", 0)
    writer = Writer(ledger.home.spool)
    writer.append(call())

    def step(name: str) -> None:
        if name == "committed":
            writer.append(call())

    done = ingest(ledger, step=step)
    assert done.calls == 1
    assert done.lag_bytes > 0
    assert ingest(ledger).calls == 1
    writer.close()


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


def test_nothing_is_written_when_nothing_is_new(ledger: Ledger) -> None:
    writer = Writer(ledger.home.spool)
    writer.append(call())
    ingest(ledger)
    last = value(ledger, "SELECT last_at FROM ledger.ingested")
    steps: list[str] = []
    assert ingest(ledger, step=steps.append) == Ingested()
    assert steps == ["opened", "read", "closed"]
    assert value(ledger, "SELECT last_at FROM ledger.ingested") == last
    writer.close()


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


def test_an_ingest_waits_for_the_ledger_no_longer_than_its_budget(ledger: Ledger) -> None:
    segment(ledger.home, call())
    with ledger.reading():
        begin = time.monotonic()
        with pytest.raises(LedgerLocked):
            ingest(ledger, budget_s=0)
        assert time.monotonic() - begin < 5


def test_in_a_shared_home_only_its_owner_ingests(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Home, "may_write_ledger", False)
    with pytest.raises(MeterError, match="only the agent writes"):
        ingest(ledger)


def test_a_batch_is_read_from_a_temporary_file_where_there_are_none_in_memory(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    batch = Batch()
    path = Path(batch.seal())
    assert path.exists()
    batch.close()
    assert not path.exists()
    segment(ledger.home, call(), b"{torn", call())
    assert ingest(ledger).calls == 2


def test_a_batch_without_calls_needs_no_prices(ledger: Ledger) -> None:
    segment(ledger.home, process())
    assert ingest(ledger) == Ingested(lines=1, processes=1, bytes=len(framed([process()])), segments=1)


def test_an_ingest_that_does_not_add_up_commits_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    path = segment(ledger.home, call(), outcome())
    with monkeypatch.context() as patch, pytest.raises(AssertionError, match="2 lines to insert"):
        patch.setattr("meter.ledger.rows.insert_outcomes", lambda _: 0)
        ingest(ledger)
    assert counts(ledger) == {"calls": 0, "outcomes": 0, "processes": 0, "dead_letters": 0}
    assert path.exists()
    assert ingest(ledger).lines == 2


def test_a_batch_that_was_read_ahead_is_dropped_when_the_one_before_fails(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion, "BATCH_BYTES", 1)
    for _ in range(3):
        segment(ledger.home, call())
    with monkeypatch.context() as patch, pytest.raises(KeyError):
        patch.setattr("meter.ledger.rows.insert_letters", fail)
        ingest(ledger)
    assert ingest(ledger).calls == 3


def test_a_reading_that_fails_ends_the_ingest_and_leaves_the_spool(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment(ledger.home, call())
    with monkeypatch.context() as patch, pytest.raises(KeyError):
        patch.setattr("meter.ledger.incoming.read", fail)
        ingest(ledger)
    assert ingest(ledger).calls == 1


def fail(*_: object) -> None:
    raise KeyError("no such thing")
