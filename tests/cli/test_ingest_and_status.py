"""ingest and status: what was moved, what waits, what was refused, and who holds the ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import meter
from meter import recorder
from meter.cli.opening import freshen
from meter.home import Home
from meter.ledger import Ledger
from tests.cli.running import MAIN, bare, findings, run, run_terminal, status, wrong

BAD_LINE = b'\n{"v":1,"kind":"call","id":"nonsense"}\n'


def test_ingest_says_what_it_moved_and_then_that_there_is_nothing(spooled: Home) -> None:
    shown = run("ingest")
    assert shown.code == 0
    assert shown.out.startswith("8 calls, 1 outcome from ")
    assert run("ingest").out.startswith("0 calls, 0 outcomes from 0 B")
    assert run("ingest").err == ""


def test_ingest_of_nothing_is_nothing(home: Home) -> None:
    shown = run("ingest")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("0 calls")


def test_ingest_has_a_bar_where_someone_watches(spooled: Home) -> None:
    assert "8 calls" in bare(run_terminal("ingest").out)


def test_status_of_a_home_where_nothing_is_wrong(sample: Home) -> None:
    row = status()
    assert row["home"] == str(sample.path)
    assert (row["calls"], row["outcomes"], row["dead_letters"], row["lost"], row["lag_bytes"]) == (8, 1, 0, 0, 0)
    assert row["unpriced_share"] == pytest.approx(1 / 8)
    assert row["problem"] is None
    shown = run("status")
    assert shown.code == 0
    for name in ("home", "spool", "lag", "ledger", "calls", "lost", "dead letters", "unpriced", "held by"):
        assert any(line.startswith(name) for line in shown.out.splitlines())


def test_status_of_a_home_that_is_not_there(home: Home) -> None:
    shown = run("status")
    assert shown.code == 0
    assert "none yet" in shown.out
    assert not home.path.exists()
    assert status()["calls"] is None


def test_status_on_a_terminal_fits_it(sample: Home) -> None:
    assert max(map(len, bare(run_terminal("status").out).splitlines())) <= 80


def test_a_corrupt_line_is_a_dead_letter_in_status_and_a_fault_in_doctor(spooled: Home) -> None:
    (segment,) = spooled.spool.glob("*.ndjson")
    segment.write_bytes(segment.read_bytes() + BAD_LINE + b"\nnot even json\n")
    assert (status()["dead_letters"], status()["calls"]) == (2, 8)
    assert "FROM ledger.dead_letters" in run("status").out
    assert wrong(findings()) == ["dead letters"]


def test_what_is_old_is_counted_and_no_fault_any_more(spooled: Home) -> None:
    (segment,) = spooled.spool.glob("*.ndjson")
    segment.write_bytes(segment.read_bytes() + BAD_LINE)
    assert wrong(findings()) == ["dead letters"]
    with Ledger(spooled).writing() as connection:
        connection.execute("UPDATE ledger.dead_letters SET recorded_at = recorded_at - INTERVAL 8 DAYS")
    assert wrong(findings()) == []
    assert status()["dead_letters"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_shared_home_of_the_agents_is_read_and_not_written(sample: Home, capsys: pytest.CaptureFixture[str]) -> None:
    meter.record(provider="openai", model="m", usage={"input": 1})
    recorder.close()
    os.chown(sample.path, 12345, -1)
    freshen(Ledger(Home(sample.path, shared=True)))
    assert "only the agent writes this shared ledger" in capsys.readouterr().err
    assert len(list(sample.spool.glob("*.ndjson"))) == 1


def test_what_waits_is_the_lag(spooled: Home) -> None:
    with Ledger(spooled).writing(), subprocess_of_status() as other:
        out, _ = other.communicate(timeout=60)
    (row,) = json.loads(out)
    assert row["problem"]
    assert row["lag_bytes"] is None
    assert row["held_by"] == [os.getpid()]
    assert status()["lag_bytes"] == 0


def subprocess_of_status() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", MAIN, "status", "--format", "json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_ledger_that_is_busy_is_read_as_it_was(sample: Home, capsys: pytest.CaptureFixture[str]) -> None:
    meter.record(provider="openai", model="m", usage={"input": 1})
    with Ledger(sample).writing():
        freshen(Ledger(sample))
    assert capsys.readouterr().err.startswith("without what waits in the spool: the ledger in ")
