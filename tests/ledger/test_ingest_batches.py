"""Ingest by batches: shared, budgeted, let go of in between; and one that fails commits nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from meter.errors import LedgerLocked, MeterError
from meter.home import Home
from meter.ledger import Ingested, Ledger, ingest, ingestion
from meter.ledger.batch import Batch
from meter.spool import Writer
from tests.ledger.records import call, counts, outcome, rows, segment, value


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
