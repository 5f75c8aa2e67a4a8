"""`meter export`, `meter compact`, METER_RAW_DAYS, and ledgers of a newer Meter."""

from __future__ import annotations

import errno
import json
import os
import random
import re
from pathlib import Path

import pytest

from meter.cli.commands import COMMANDS
from meter.home import Home
from meter.ledger import Ledger, migrate
from tests.cli.running import MAIN, bare, run, run_process, run_terminal
from tests.ledger.books import DAY
from tests.ledger.records import TS, call, segment
from tests.queries.sample import sample_ledger

TOTALS = "SELECT count(*) AS n, sum(effective_cost) AS spend FROM calls"


@pytest.fixture
def sample(home: Home) -> Ledger:
    """The sample's ledger: September and October 2026."""
    return sample_ledger(home)


@pytest.fixture
def old(home: Home) -> Ledger:
    """A ledger with two calls of November 2025."""
    ledger = sample_ledger(home)
    with ledger.writing() as con:
        con.execute("DELETE FROM ledger.calls")
    segment(home, call(TS, raw={"prompt_tokens": 7}), call(TS + 1))
    run("ingest")
    return ledger


def answer(statement: str = TOTALS) -> str:
    return run("sql", statement, "--format", "json").out


def test_months_move_out_and_back_and_every_answer_is_the_same(old: Ledger) -> None:
    before = answer()
    out = run("export", "--parquet", "--before", "2025-12")
    assert (out.code, out.out.count("\n")) == (0, 1)
    assert out.out.startswith("2025-11: 2 calls, ")
    assert "keeps its size until: meter compact" in out.err
    assert answer() == before
    assert run("export", "--parquet", "--before", "2025-12").out == "nothing to move before 2025-12\n"
    (listed,) = json.loads(run("export", "--format", "json").out)
    assert (listed["month"], listed["calls"], listed["effective_cost"]) == ("2025-11", 2, {"USD": "0.00048"})
    back = run("export", "--restore", "2025-11")
    assert back.out.startswith("2025-11: 2 calls are in the ledger again; ")
    assert answer() == before
    assert json.loads(run("export", "--format", "json").out) == []


def test_reports_and_statements_that_are_no_select_read_cold_months(old: Ledger) -> None:
    questions = (
        ["report", "chargeback", "--month", "2025-11", "--format", "json"],
        ["report", "coverage", "--month", "2025-11", "--format", "json"],
        ["spend", "--by", "team", "--since", "2025-11-01", "--format", "json"],
        ["sql", "DESCRIBE charges"],
        ["sql", "SELECT status FROM calls; SELECT sum(list_cost) AS spend FROM charges"],
        ["status", "--format", "json"],
    )
    before = [run(*words) for words in questions]
    explained = answer("SELECT call_id FROM calls ORDER BY started_at LIMIT 1")
    call_id = json.loads(explained)[0]["call_id"]
    priced = run("prices", "explain", call_id)
    assert run("export", "--parquet", "--before", "2025-12").code == 0
    after = [run(*words) for words in questions]
    assert [one.code for one in before + after] == [0] * 12
    for one, other in zip(before[:-1], after[:-1], strict=True):
        assert one.out == other.out
    assert json.loads(after[-1].out)[0]["unpriced_share"] == json.loads(before[-1].out)[0]["unpriced_share"]
    assert run("prices", "explain", call_id) == priced
    assert run("sql", "EXPLAIN SELECT count(*) FROM calls").code == 0


def test_the_unpriced_share_is_told_of_cold_calls_too(home: Home) -> None:
    segment_home = Ledger(home)
    with segment_home.writing():
        pass
    segment(home, call(), call(request_model="nobody-knows-it", response_model=None))
    before = run("sql", TOTALS)
    assert "unpriced: 50.0 %" in before.err
    run("export", "--parquet", "--before", "2025-12")
    assert run("sql", TOTALS) == before
    assert run("sql", TOTALS, "--strict").code == 3


def test_calls_that_come_late_for_a_moved_month_are_told(old: Ledger) -> None:
    run("export", "--parquet", "--before", "2025-12")
    segment(old.home, call(TS + 2))
    run("ingest")
    again = run("export", "--parquet", "--before", "2025-12")
    assert "2025-11 was moved before; 1 call of it is still in the ledger and counted as ever" in again.err
    assert json.loads(answer())[0]["n"] == 3


def test_a_file_that_cannot_be_removed_hinders_nobody_and_is_told_of(
    old: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answer()
    run("export", "--parquet", "--before", "2025-12")
    (path,) = (old.home.path / "cold").iterdir()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    with monkeypatch.context() as archive:  # that is read-only by now
        archive.setattr(Path, "unlink", refuse)
        back = run("export", "--restore", "2025-11")
    assert (back.code, back.out.count("\n")) == (0, 1)
    assert back.out.startswith("2025-11: 2 calls are in the ledger again; ")
    assert f"{path} could not be removed" in back.out
    assert answer() == before
    assert path.exists()
    assert run("export", "--parquet", "--before", "2025-12").code == 0
    assert answer() == before
    assert not path.exists()  # it was tried again


@pytest.mark.parametrize("room", [0, 5_000, 3_000_000])
@pytest.mark.parametrize(
    "words",
    [["export", "--parquet", "--before", "2025-12"], ["export", "--restore", "2025-10"], ["compact"], ["ingest"]],
)
def test_a_full_disk_is_a_sentence_with_the_file_and_nothing_is_lost(old: Ledger, words: list[str], room: int) -> None:
    segment(old.home, call(TS - 20 * DAY))
    run("ingest")
    run("export", "--parquet", "--before", "2025-11")
    before = answer()
    segment(old.home, call(TS + 2, raw={"answer": random.Random(1).randbytes(4_000_000).hex()}))
    code = MAIN.replace(
        "import sys", f"import sys, resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room},) * 2)", 1
    )
    told = run_process(*words, code=code)
    if told.code:
        error, hint = told.err.splitlines()
        assert re.fullmatch(r"Error: .*(cannot be written|no room to read the spool).*File too large\)?", error)
        assert hint.startswith("Hint: ")
    assert told.code or room
    if words != ["ingest"]:
        assert (
            answer(
                "SELECT count(*) AS n, sum(effective_cost) AS spend FROM calls WHERE started_at < '2025-11-13 02:13:20.000002+00'"
            )
            == before
        )
    assert run("ingest").code == 0
    assert json.loads(answer())[0]["n"] == json.loads(before)[0]["n"] + 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--parquet"], 2, "--parquet goes with --before MONTH"),
        (["--before", "2025-12"], 2, "--parquet goes with --before MONTH"),
        (["--parquet", "--before", "2025-12", "--copy"], 2, "--copy goes with --parquet FOLDER"),
        (["--restore", "2025-11", "--forget", "2025-11"], 2, "--restore and --forget exclude each other"),
        (["--parquet", "--before", "soon"], 1, "'soon' is not a month"),
        (["--parquet", "--before", "9998-01"], 1, "is not over"),
        (["--restore", "2025-10"], 1, "2025-10 was not moved out of the ledger"),
        (["--forget", "2025-10"], 1, "2025-10 was not moved out of the ledger"),
    ],
)
def test_what_cannot_be_exported_is_refused(old: Ledger, words: list[str], code: int, said: str) -> None:
    ran = run("export", *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_a_copy_for_others_leaves_the_ledger_as_it_is(old: Ledger, tmp_path: Path) -> None:
    done = run("export", "--parquet", str(tmp_path / "for-finance"), "--before", "2025-12", "--copy")
    assert (done.code, done.err) == (0, "")
    copied = f"SELECT count(*) AS n, sum(effective_cost) AS spend FROM read_parquet('{tmp_path}/for-finance/*.parquet')"
    assert answer(copied) == answer()
    assert answer("SELECT count(*) AS n FROM ledger.calls") == '[\n {"n": 2}\n]\n'


def test_a_missing_file_is_one_sentence_in_every_command_that_needs_it(old: Ledger) -> None:
    run("export", "--parquet", "--before", "2025-12")
    (path,) = (old.home.path / "cold").iterdir()
    path.unlink()
    for words in (["sql", TOTALS], ["spend"], ["report", "teams"], ["export"], ["compact"], []):
        ran = run(*words)
        assert ran.code == 1, words
        assert ran.err.startswith(f"Error: the calls of 2025-11 are in {path}, which cannot be read"), words
        assert "meter export --forget 2025-11" in ran.err
    assert run("ingest").code == 0
    assert run("export", "--forget", "2025-11").out.startswith("2025-11: its 2 calls are in no figure any more")
    assert json.loads(answer())[0]["n"] == 0


def test_compact_says_the_sizes_and_shows_a_bar_on_a_terminal(old: Ledger) -> None:
    before = answer()
    done = run("compact")
    assert (done.code, done.err) == (0, "")
    assert " before, " in done.out and done.out.endswith(" after\n")
    assert answer() == before
    shown = run_terminal("compact")
    assert shown.code == 0
    assert re.search(r"compact .* \d+/\d+ ", bare(shown.out))


@pytest.mark.parametrize("words", [["compact"], ["export", "--parquet", "--before", "2025-12"], ["export"]])
def test_where_nothing_was_recorded_there_is_nothing_to_rewrite(home: Home, words: list[str]) -> None:
    ran = run(*words)
    assert ran.code == 1
    assert "nothing has been recorded" in ran.err
    assert not home.ledger.exists()


@pytest.mark.parametrize("command", [["ingest"], ["agent", "--once"]])
def test_ingest_and_agent_let_raw_usage_go_when_its_days_are_over(
    old: Ledger, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = "SELECT count(*) AS n FROM ledger.raw_usage"
    assert run(*command).code == 0
    kept = json.loads(answer(count))[0]["n"]
    assert kept >= 1
    monkeypatch.setenv("METER_RAW_DAYS", "30")
    assert run(*command).code == 0
    assert json.loads(answer(count))[0]["n"] == kept - 1
    assert json.loads(answer())[0]["n"] == 2


ARGUMENTS = {
    "sql": ["SELECT 1"],
    "report": ["chargeback"],
    "prices": ["list"],
    "agent": ["--once"],
    "reprice": ["--since", "2025-11-01", "--yes"],
    "export": ["--parquet", "--before", "2025-12"],
}
WITHOUT_THE_LEDGER = {"demo", "config"}
ALSO: tuple[list[str], ...] = (
    ["prices", "explain", "00000000-0000-0000-0000-000000000000"],
    ["export"],
    ["export", "--restore", "2025-11"],
    ["export", "--forget", "2025-11"],
    [],
)


def test_a_ledger_from_the_future_is_refused_with_a_sentence_by_every_command(old: Ledger) -> None:
    newest = migrate.known()[-1].version
    with old.writing() as con:
        con.execute("INSERT INTO ledger.migrations VALUES (?, 'from the future', now())", [newest + 1])
    segment(old.home, call(TS + 3))
    names = [name for name in COMMANDS if name not in WITHOUT_THE_LEDGER]
    for words in [*([name, *ARGUMENTS.get(name, [])] for name in names), *ALSO]:
        ran = run(*words)
        assert ran.code == 1, (words, ran)
        said = ran.out + ran.err
        assert f"the ledger has schema {newest + 1}, and this Meter knows schemas up to {newest}" in said, words
        if words[:1] != ["status"]:
            assert "upgrade spendmeter here, or read it with the version that wrote it" in said, words
        assert "Traceback" not in said
    assert len(list(old.home.spool.glob("*.ndjson"))) == 1
