"""meter ingest --reread: shown, asked about, written, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from meter.home import Home
from meter.ledger import Ledger
from tests.cli.running import bare, run, run_process, run_terminal
from tests.ledger.books import tables
from tests.ledger.records import call, segment

RAW = {"prompt_tokens": 1000, "completion_tokens": 200, "prompt_tokens_details": {"cached_tokens": 400}}
DIFFERS = "1 call of 2 differs, 0.00027 → 0.00024 USD, cache_read 0 → 400, input 1,000 → 600"


@pytest.fixture
def misread(home: Home) -> Ledger:
    """A call whose cached tokens an older Meter did not see, and one of a wire that nobody knows; both still in the spool."""
    home.spool.mkdir(parents=True)
    lines = [call(usage={"input": 1000, "output": 200}, raw=RAW), call(usage={"input": 1}, raw=RAW, api="acme.chat")]
    segment(home, *lines)
    return Ledger(home)


def test_a_dry_run_shows_the_difference_and_changes_nothing(misread: Ledger) -> None:
    run("ingest")
    before = tables(misread)
    shown = run("ingest", "--reread", "--dry-run")
    assert "-0.00003" in shown.out
    assert shown.err.endswith(
        "1 call of openai/acme.chat: no wire of that name is known, so they stay as they are\n"
        f"nothing was written: {DIFFERS}\n"
    )
    assert tables(misread) == before


def test_it_ingests_first_and_json_stays_json(misread: Ledger) -> None:
    shown = run("ingest", "--reread", "--yes", "--format", "json")
    assert shown.code == 0
    (row,) = json.loads(shown.out)
    assert (row["calls"], row["effective_difference"]) == (1, "-0.00003")
    assert shown.err.startswith("2 calls, 0 outcomes from ")
    assert f"revision 1: 1 call read again; {DIFFERS}" in shown.err
    (revision,) = json.loads(run("sql", "SELECT kind, usage_difference FROM revisions", "--format", "json").out)
    assert revision["kind"] == "reread"
    again = run("ingest", "--reread", "--yes")
    assert again.err.endswith("nothing to change: 2 of 2 calls keep the usage object, and read as before\n")


def test_a_person_is_asked(misread: Ledger) -> None:
    run("ingest")
    assert "nothing was written" in bare(run_terminal("ingest", "--reread", stdin="n\n").out)
    assert "revision 1" in bare(run_terminal("ingest", "--reread", stdin="y\n").out)


def test_where_nobody_can_be_asked_nothing_is_ingested_either(misread: Ledger) -> None:
    assert "--dry-run" in run_process("ingest", "--reread").err
    assert not misread.home.ledger.exists()


@pytest.mark.parametrize("option", [("--yes",), ("--since", "30d"), ("--format", "json"), ("--model", "gpt-*")])
def test_the_other_options_belong_to_rereading(home: Home, option: tuple[str, ...]) -> None:
    assert f"{option[0]} belongs to --reread" in run("ingest", *option).err


def test_nothing_recorded_is_said(home: Home, tmp_path: Path) -> None:
    assert "nothing has been recorded" in run("ingest", "--reread", "--yes").err
