"""meter reprice: shown, asked about, written; on a terminal, in a pipe, and where a month is closed."""

from __future__ import annotations

import getpass
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meter.home import Home
from meter.ledger import Ledger
from tests.cli.running import bare, run, run_process, run_terminal
from tests.ledger.books import close, multiply, tables

MARCH = ("reprice", "--since", "2026-03-01", "--until", "2026-04-01")


@pytest.fixture
def dearer(sample: Home) -> Ledger:
    """The sample, where gpt-4o-mini costs twice as much as when its three calls of March were ingested."""
    ledger = Ledger(sample)
    run("spend")
    multiply(ledger, 2)
    return ledger


def objects(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)
    assert isinstance(found, list)
    return found


def spent() -> Decimal:
    (row,) = objects(
        run(
            "sql", "SELECT sum(effective_cost) AS spent FROM calls WHERE started_at < '2026-04-01'", "--format", "json"
        ).out
    )
    return Decimal(row["spent"])


def test_a_dry_run_shows_the_difference_by_month_team_and_model_and_changes_nothing(dearer: Ledger) -> None:
    before = tables(dearer)
    shown = run(*MARCH, "--dry-run", "--format", "json")
    assert shown.code == 0
    assert shown.err == "nothing was written: 3 calls of 6 differ, 0.00072 → 0.00144 USD\n"
    found = {row["team"]: row for row in objects(shown.out)}
    assert set(found) == {"search", "(untagged)"}
    assert found["search"] == {
        "month": "2026-03-01", "team": "search", "model": "gpt-4o-mini", "price_status": "priced", "currency": "USD",
        "is_closed": False, "calls": 2,
        "old_list_cost": "0.00048", "new_list_cost": "0.00096", "list_difference": "0.00048",
        "old_contracted_cost": "0.00048", "new_contracted_cost": "0.00096", "contracted_difference": "0.00048",
        "old_effective_cost": "0.00048", "new_effective_cost": "0.00096", "effective_difference": "0.00048",
    }  # fmt: skip
    assert tables(dearer) == before


def test_yes_writes_a_revision_which_a_report_shows(dearer: Ledger) -> None:
    before = spent()
    done = run(*MARCH, "--yes", "--reason", "the new contract")
    assert done.code == 0
    assert done.err == "revision 1: 3 calls priced anew; 3 calls of 6 differ, 0.00072 → 0.00144 USD\n"
    assert "old_effective_cost" in done.out
    assert "old_list_cost" not in done.out  # the same, three times
    assert spent() - before == Decimal("0.00072")
    (row,) = objects(run("report", "revisions", "--since", "1d", "--format", "json").out)
    assert (row["reason"], row["calls"], row["new_effective_cost"]) == ("the new contract", 3, "0.00144")
    assert row["made_by"].startswith(f"{getpass.getuser()}@")
    again = run(*MARCH, "--yes")
    assert (again.code, again.out, again.err) == (0, "", "nothing to change: 6 calls are priced as before\n")
    assert len(objects(run("sql", "FROM revisions", "--format", "json").out)) == 1


def test_where_nobody_can_be_asked_nothing_is_written_without_yes(dearer: Ledger) -> None:
    before = tables(dearer)
    refused = run_process(*MARCH)
    assert (refused.code, refused.out) == (1, "")
    assert "nobody can be asked here" in refused.err
    assert "--dry-run" in refused.err
    assert tables(dearer) == before


def test_a_terminal_is_shown_the_difference_and_asked(dearer: Ledger) -> None:
    before = tables(dearer)
    declined = bare(run_terminal(*MARCH, columns=160, stdin="n\n").out)
    assert "3 calls of 6 differ, 0.00072 → 0.00144 USD. Write that as a revision? [y/N]" in declined
    assert "search" in declined
    assert "nothing was written" in declined
    assert tables(dearer) == before
    accepted = bare(run_terminal(*MARCH, columns=160, stdin="y\n").out)
    assert "revision 1: 3 calls priced anew" in accepted
    assert "nothing to change: 6 calls are priced as before" in bare(run_terminal(*MARCH, columns=160).out)


def test_a_closed_month_is_refused_and_its_difference_can_be_booked(dearer: Ledger) -> None:
    close(dearer, "2026-03")
    dry = run(*MARCH, "--dry-run")
    assert dry.code == 0
    assert "2026-03 by +0.00072 USD" in dry.err
    refused = run(*MARCH, "--yes")
    assert (refused.code, refused.out) == (1, "")
    assert "Error: a month that is closed would change: 2026-03 by +0.00072 USD" in refused.err
    assert "--adjust" in refused.err
    before = spent()
    done = run(*MARCH, "--adjust", "--yes")
    assert done.code == 0
    assert "revision 1: 0 calls priced anew, 2 adjustments booked" in done.err
    assert "is_closed" in done.out
    assert spent() == before
    assert "nothing to change" in run(*MARCH, "--adjust", "--yes").err


def test_models_and_providers_choose_the_calls(dearer: Ledger) -> None:
    for words in (("--model", "claude-*"), ("--provider", "anthropic")):
        assert "nothing to change: 1 call is priced as before" in run(*MARCH, *words, "--yes").err
    assert "no call was chosen" in run(*MARCH, "--model", "nothing-like-it", "--yes").err
    assert "5 calls of 8" in run("reprice", "--since", "2026-03-01", "--dry-run").err


@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        (("--since", "the other day"), 1, "'the other day' is not a time to start from"),
        (("--since", "2026-03-01", "--until", "soon"), 1, "'soon' is not a day"),
        (("--since", "2026-03-02", "--until", "2026-03-02"), 1, "--until 2026-03-02 is not after --since 2026-03-02"),
        ((), 2, "Missing option '--since'"),
    ],
)
def test_days_that_are_none_are_refused(sample: Home, words: tuple[str, ...], code: int, fault: str) -> None:
    refused = run("reprice", *words, "--dry-run")
    assert (refused.code, refused.out) == (code, "")
    assert fault in refused.err


def test_where_nothing_was_recorded_that_is_said(home: Home) -> None:
    refused = run("reprice", "--since", "2026-03-01", "--dry-run")
    assert refused.code == 1
    assert "nothing has been recorded in" in refused.err
    assert not Path(home.ledger).exists()


def test_a_month_that_lies_in_a_file_is_brought_back_first(dearer: Ledger) -> None:
    assert run("export", "--parquet", "--before", "2026-04").code == 0
    refused = run(*MARCH, "--dry-run")
    assert refused.code == 1
    assert "calls of 2026-03 lie in files" in refused.err
    assert "meter export --restore 2026-03" in refused.err
    assert run("export", "--restore", "2026-03").code == 0
    assert run(*MARCH, "--yes").code == 0
