"""meter without a command: one screen that fits, and steps that work when pasted."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone

import meter
from meter import recorder
from meter.home import Home, ensure
from tests.cli.running import MAIN, bare, objects, run, run_process, run_terminal


def test_the_screen_fits_into_a_terminal_and_tells_what_to_do_next(sample: Home) -> None:
    shown = run_terminal()
    lines = bare(shown.out).splitlines()
    assert shown.code == 0
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    for word in ("today", "so far", "Top teams", "search", "Top models", "gpt-4o-mini", "Coverage", "Next"):
        assert word in shown.out


def test_a_ledger_without_calls_has_a_screen_too(home: Home) -> None:
    meter.outcome("ticket_resolved", value=1)
    recorder.close()
    shown = run()
    assert shown.code == 0
    assert "0 calls" in shown.out
    assert "Top teams" not in shown.out


def test_the_screen_suggests_a_statement_of_a_month_that_has_calls(home: Home) -> None:
    meter.record(provider="openai", model="gpt-4o-mini", usage={"input": 5}, tags={"team": "search"})
    recorder.close()
    (line,) = (line for line in run().out.splitlines() if "chargeback" in line)
    shown = run(*line.split("  ")[0].split()[1:])
    assert shown.code == 0
    assert "search" in shown.out
    assert "1 call" in shown.err


def test_what_services_recorded_never_steers_the_terminal(home: Home) -> None:
    evil = "\x1b[2J\x1b]0;mine\x07\nnext"
    meter.record(provider="openai", model=evil, usage={"input": 5}, tags={"team": evil})
    recorder.close()
    call_id = objects(run("sql", "SELECT call_id FROM calls", "--format", "json").out)[0]["call_id"]
    for words in ([], ["spend"], ["prices", "explain", call_id], ["report", "chargeback", "--since", "1h"]):
        shown = run(*words).out
        assert "\\u001b[2J" in shown, words
        assert not set(shown) & set("\x1b\x07"), words


def test_a_model_without_a_price_stands_on_the_screen_as_unpriced(home: Home) -> None:
    meter.record(provider="openai", model="a-model-of-our-own", usage={"input": 5})
    recorder.close()
    (line,) = (line for line in run().out.splitlines() if "a-model-of-our-own" in line)
    assert line.split() == ["a-model-of-our-own", "unpriced"]


def test_the_screen_points_to_what_contracts_settle_by_the_month(home: Home) -> None:
    ensure(home)
    home.config.write_text('[contracts.hourly]\nfrom = 2026-01-01\nfee = { amount = 2, per = "hour" }\n')
    meter.record(provider="openai", model="gpt-4o-mini", usage={"input": 5})
    recorder.close()
    lines = run_terminal()
    assert "settled by contract, in no total here" in lines.out
    assert max(map(len, bare(lines.out).splitlines())) <= 80


def test_a_call_of_the_future_is_on_the_screen_when_it_is_in_the_months_spend(home: Home) -> None:
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    for moment in (None, soon):
        meter.record(provider="openai", model="gpt-4o-mini", usage={"input": 5}, started_at=moment)
    recorder.close()
    shown = run_process().out.splitlines()
    (month,) = (line for line in shown if "so far" in line and "Top" not in line)
    assert "1 call" in month
    assert ": 0.00000075 USD, 1 call" in run("spend", "--month", month[:7]).err
    (ahead,) = (row for row in objects(run("doctor", "--format", "json").out) if row["subject"] == "clocks")
    assert (ahead["state"], ahead["detail"].split(" ")[:2]) == ("note", ["1", "call"])


def test_commands_that_the_screen_suggests_work_when_pasted(sample: Home) -> None:
    lines = run_process().out.splitlines()
    steps = [line.split("  ")[0].removeprefix("meter ") for line in lines[lines.index("Next") + 1 :]]
    assert len(steps) == 3
    for step in steps:
        done = subprocess.run(
            ["bash", "-c", f'"{sys.executable}" -c "{MAIN}" {step}'],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
