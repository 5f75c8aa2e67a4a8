"""What spend, report and sql print: every format, into pipes, terminals and full disks, and errors with a hint."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from meter.home import Home
from tests.cli.running import MAIN, MARCH, bare, objects, run, run_process, run_terminal


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["spend", "--since", "soon"], "'soon' is not a time to start from", "30d"),
        (["spend", "--month", "March"], "'March' is not a month", "such as"),
        (["spend", "--by", ","], "nothing to group by", "--by team,model"),
        (["report", "nope"], "no 'nope' in reports", "chargeback"),
        (["report", "spend"], "needs the parameter 'by'", "--param by=team"),
        (["report", "teams", "--param", "by=x"], "has no parameter 'by'", "it takes"),
        (["sql", "SELECT * FROM nowhere"], "nowhere", "calls, charges"),
        (["sql", "SELECT nope FROM calls"], "nope", "DESCRIBE calls"),
        (["sql", "SELEC"], "syntax error", "--help"),
        (["sql", " "], "no statement", "SELECT"),
        (["sql", "DELETE FROM ledger.calls"], "read-only", "only reads"),
        (["sql", "CREATE TABLE ledger.mine AS SELECT 1"], "read-only", "only reads"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence_with_a_hint(
    sample: Home, words: list[str], error: str, hint: str
) -> None:
    shown = run(*words)
    assert (shown.code, shown.out) == (1, "")
    message, _, advice = shown.err.partition("\nHint: ")
    assert error in message
    assert hint in advice
    assert "Traceback" not in shown.err


def test_money_in_json_and_csv_is_exact_and_in_tables_short(sample: Home) -> None:
    ask = "SELECT sum(effective_cost) AS effective_cost, 1234567.8901::DECIMAL(38,12) AS more FROM calls"
    assert objects(run("sql", ask, "--format", "json").out) == [{"effective_cost": "0.0015", "more": "1234567.8901"}]
    rows = list(csv.reader(io.StringIO(run("sql", ask, "--format", "csv").out)))
    assert rows == [["effective_cost", "more"], ["0.0015", "1234567.8901"]]
    assert run("sql", ask).out.split() == ["effective_cost", "more", "0.0015", "1234567.89"]
    assert "1,234,567.89" in bare(run_terminal("sql", ask).out)


def test_parquet_goes_through_a_pipe_and_not_to_a_terminal(sample: Home, tmp_path: Path) -> None:
    target = tmp_path / "rows.parquet"
    with target.open("wb") as file:
        command = [sys.executable, "-c", MAIN, "spend", *MARCH, "--format", "parquet"]
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=True, timeout=60)
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT sum(effective_cost), sum(calls) FROM read_parquet($path)", {"path": str(target)}
        )
        assert [str(value) for value in found.fetchall()[0]] == ["0.001020000000000000000000", "6"]
    refused = run_terminal("spend", *MARCH, "--format", "parquet")
    assert refused.code == 1
    assert "redirect it" in refused.out


def test_a_pipe_gets_one_aligned_line_a_row_and_no_escapes(sample: Home) -> None:
    shown = run_process("spend", *MARCH)
    head, *rows = shown.out.splitlines()
    assert head.split()[:3] == ["team", "model", "currency"]
    assert len(rows) == 4
    assert "\x1b" not in shown.out + shown.err
    place = head.index("calls")
    assert all(row[place : place + 5].strip().isdigit() for row in rows)


@pytest.mark.parametrize("columns", [80, 120, 40])
def test_a_terminal_gets_a_table_that_fits(sample: Home, columns: int) -> None:
    shown = run_terminal("spend", *MARCH, columns=columns)
    *lines, total = bare(shown.out).splitlines()
    assert "Spend by team, model, 2026-03" in lines[0]
    assert max(map(len, lines)) <= columns
    assert "0.00102 USD" in total
    assert "claude" in shown.out


def test_a_table_too_wide_for_its_terminal_stands_one_value_a_line(sample: Home) -> None:
    shown = bare(run_terminal("sql", "SELECT * FROM calls LIMIT 2").out)
    assert "row 1" in shown
    assert "row 2" in shown
    assert "price_status" in shown


def test_a_terminal_is_not_flooded(sample: Home) -> None:
    shown = bare(run_terminal("sql", "SELECT * FROM range(5000)").out)
    assert len(shown.splitlines()) < 1010
    assert "only the first 1,000 rows" in shown
    assert len(run_process("sql", "SELECT * FROM range(5000)").out.splitlines()) == 5001


def test_a_reader_that_leaves_early_is_no_error(sample: Home) -> None:
    ask = "sql 'SELECT * FROM range(200000)' --format csv"
    command = f'"{sys.executable}" -c "{MAIN}" {ask} | head -n 2; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("range\n0\n0\n", "")


@pytest.mark.parametrize("fmt", ["table", "csv", "json"])
def test_a_long_answer_begins_before_it_is_complete(sample: Home, fmt: str) -> None:
    endless = "SELECT a.range AS n, 1.5 AS cost FROM range(3000000) AS a, range(1000000) AS b"
    command = f'"{sys.executable}" -c "{MAIN}" sql "{endless}" --format {fmt} | head -n 2; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.splitlines()[-1], done.stderr) == ("0", "")


def test_lines_after_the_first_thousand_are_as_wide(sample: Home) -> None:
    lines = run_process("sql", "SELECT range AS n, 'x' AS word FROM range(1, 2002)").out.splitlines()
    assert len(lines) == 2002
    assert (lines[1], lines[-1]) == ("   1  x", "2001  x")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_stdout_is_not_blamed_on_the_home(
    sample: Home, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    command = f'"{sys.executable}" -c "{MAIN}" spend --month 2026-03 --format csv > /dev/full'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    head, *hint = done.stderr.splitlines()
    assert head.endswith("No space left on device")
    assert not hint or "where the output goes" in hint[0]
    assert unbuffered or head.startswith("Error: what was printed could not be written")
