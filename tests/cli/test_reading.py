"""spend, report, sql and the screen: what they print, in every format, and what they say beside it."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import meter
from meter import queries, recorder
from meter.home import Home
from meter.report import run as run_report
from tests.cli.conftest import MARCH as MARCH_10
from tests.cli.running import MAIN, bare, run, run_process, run_terminal

MARCH = ["--month", "2026-03"]


def objects(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)
    assert isinstance(found, list)
    return found


def test_spend_is_by_team_and_model_largest_first(sample: Home) -> None:
    shown = run("spend", *MARCH, "--format", "json")
    assert shown.code == 0
    rows = [
        (row["team"], row["model"], row["calls"], row["effective_cost"], row["unpriced_calls"])
        for row in objects(shown.out)
    ]
    assert rows == [
        ("search", "gpt-4o-mini", 2, "0.00048", 0),
        ("support", "claude-haiku-4-5", 1, "0.0003", 0),
        ("(untagged)", "gpt-4o-mini", 2, "0.00024", 0),
        ("support", "a-model-of-our-own", 1, None, 1),
    ]
    assert "2026-03: 0.00102 USD, 6 calls; unpriced: 16.7 % of the calls" in shown.err


@pytest.mark.parametrize(("by", "columns"), [("provider", ["provider"]), ("feature, day", ["feature", "day"])])
def test_spend_takes_columns_and_tags(sample: Home, by: str, columns: list[str]) -> None:
    rows = objects(run("spend", *MARCH, "--by", by, "--format", "json").out)
    assert list(rows[0])[: len(columns)] == columns
    assert sum(row["calls"] for row in rows) == 6


def test_spend_since_then_reaches_to_now(sample: Home) -> None:
    assert [row["calls"] for row in objects(run("spend", "--since", "1h", "--format", "json").out)] == [2]
    assert [row["calls"] for row in objects(run("spend", "--format", "json").out)] == [2]
    assert "since 2026-01-01: 0.0015 USD, 8 calls" in run("spend", "--since", "2026-01-01").err


def test_spend_goes_by_every_column_that_its_help_names(sample: Home) -> None:
    names = run_report.dimensions(queries.get("reports", "spend"))
    shown = " ".join(run("spend", "--help").out.split())
    listed = shown.partition("Columns are ")[2].partition("; any other")[0].replace(" and ", ", ")
    assert sorted(listed.split(", ")) == sorted(names)
    for name in names:
        asked = run("spend", *MARCH, "--by", name, "--format", "json")
        assert (asked.code, sum(row["calls"] for row in objects(asked.out))) == (0, 6), asked.err


@pytest.mark.parametrize("name", ["effective_cost", "currency", "started_at", "tags"])
def test_a_column_that_spend_cannot_go_by_is_no_tag(sample: Home, name: str) -> None:
    for words in (["spend", *MARCH, "--by", f"team,{name}"], ["report", "spend", *MARCH, "--param", f"by={name}"]):
        shown = run(*words)
        assert (shown.code, shown.out) == (1, "")
        assert f"not grouped by {name!r}" in shown.err
        assert "server_address" in shown.err


@pytest.mark.parametrize("command", [["spend"], ["report", "totals"]])
@pytest.mark.parametrize("option", ["--month", "--since"])
def test_an_empty_period_is_an_error_and_not_the_default(sample: Home, command: list[str], option: str) -> None:
    shown = run(*command, option, "")
    assert (shown.code, shown.out) == (1, "")
    assert "'' is not a" in shown.err


def test_a_name_that_no_call_has_as_a_tag_is_told(sample: Home) -> None:
    shown = run("spend", *MARCH, "--by", "modle")
    assert "no call has the tag 'modle'" in shown.err
    assert "no call has" not in run("spend", *MARCH, "--by", "team").err


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


def test_sql_reads_its_statement_from_a_pipe(sample: Home) -> None:
    assert run("sql", "-", "--format", "csv", stdin="SELECT 42 AS answer;\n").out == "answer\n42\n"


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '{}'",
        "COPY (SELECT 1) TO '{}' (FORMAT csv, USE_TMP_FILE false)",
        "SELECT 1; COPY (SELECT 1) TO '{}.wal'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{}.wal'",
        "PREPARE p AS COPY (SELECT 1) TO '{}.wal'; EXECUTE p",
        "EXPORT DATABASE '{}.d'",
        "ATTACH '{}.d' AS other",
        "INSTALL httpfs",
    ],
)
def test_sql_writes_no_file(sample: Home, statement: str) -> None:
    before = {path: path.stat().st_size for path in sample.path.iterdir()}
    ran = run("sql", statement.format(sample.ledger))
    assert ran.code == 1
    assert "is refused: meter sql only reads, and writes no file" in ran.err
    assert "--format csv" in ran.err
    assert {path: path.stat().st_size for path in sample.path.iterdir()} == before
    assert run("sql", "SELECT count(*) > 0 AS there FROM calls", "--format", "csv").out == "there\ntrue\n"


def test_sql_joins_files_and_pivots(sample: Home, tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text("team,lead\nsearch,ada\n")
    assert run("sql", f"SELECT lead FROM '{tmp_path / 'teams.csv'}'", "--format", "csv").out == "lead\nada\n"
    assert run("sql", "PIVOT calls ON price_status USING count(*) GROUP BY provider").code == 0
    refused = run("sql", f"SET threads = 1; EXPLAIN ANALYZE SELECT * FROM '{tmp_path / 'teams.csv'}'")
    assert (refused.code, "file system operations are disabled" in refused.err) == (1, True)


def test_sql_that_selects_nothing_prints_nothing(sample: Home) -> None:
    assert run("sql", "SET threads = 1").out == ""


def test_the_last_of_several_statements_answers(sample: Home) -> None:
    assert run("sql", "SELECT 1 AS a; SELECT 2 AS b", "--format", "csv").out == "b\n2\n"


def test_sql_says_what_share_has_no_price_when_it_asked_for_money(sample: Home) -> None:
    assert "unpriced: 12.5 %" in run("sql", "SELECT * FROM calls").err
    assert "unpriced: 12.5 %" in run("sql", "SELECT sum(effective_cost)::DOUBLE FROM calls").err
    assert run("sql", "SELECT tags, input_tokens FROM calls").err == ""
    assert "unpriced: 12.5 %" in run("sql", "WITH c AS (FROM calls) SELECT sum(effective_cost) FROM c").err
    assert run("sql", "SELECT 1").err == ""


@pytest.mark.parametrize(
    "words", [["spend", *MARCH], ["report", "teams", *MARCH], ["sql", "SELECT count(*) FROM calls"]]
)
def test_strict_exits_with_3_when_something_is_unpriced(sample: Home, words: list[str]) -> None:
    assert run(*words).code == 0
    assert run(*words, "--strict").code == 3
    assert run("spend", "--since", "1h", "--strict").code == 0


def test_a_mixture_of_currencies_is_warned_of(sample: Home) -> None:
    mixed = "SELECT unnest(['USD', 'EUR']) AS currency, 1.5::DECIMAL(26,12) AS effective_cost"
    shown = run("sql", mixed, "--format", "csv")
    assert "mix EUR and USD" in shown.err
    assert shown.out == "currency,effective_cost\nUSD,1.5\nEUR,1.5\n"
    assert "mix" not in run("sql", "SELECT currency, sum(effective_cost) FROM calls GROUP BY ALL").err


def record_in_euros() -> None:
    """One more call of March, whose cost the provider states itself."""
    call = recorder.start()
    call.ts, call.provider, call.response_model = round(MARCH_10.timestamp() * 1e6), "openrouter", "a-model-of-theirs"
    call.usage, call.source, call.reported_cost, call.reported_currency = {"input": 9}, "reported", "0.25", "EUR"
    recorder.write(call)
    recorder.close()


def test_a_sum_over_two_currencies_is_warned_of(sample: Home) -> None:
    record_in_euros()
    assert "this mixes EUR and USD" in run("sql", "SELECT sum(effective_cost) FROM calls").err
    for ask in ("SELECT sum(effective_cost) FROM calls WHERE currency = 'USD'", "SELECT count(*) FROM calls"):
        assert "mixes" not in run("sql", ask).err


def test_spend_in_two_currencies_keeps_them_apart(sample: Home) -> None:
    record_in_euros()
    assert "0.25 EUR + 0.00102 USD" in run("spend", *MARCH).err
    assert "currency" in bare(run_terminal("spend", *MARCH).out)
    assert "0.25 EUR + 0.0015 USD" in run("spend", "--since", "2026-01-01").err


def test_a_statement_in_two_currencies_asks_for_one_and_takes_it(sample: Home) -> None:
    record_in_euros()
    shown = run("report", "chargeback", *MARCH)
    assert (shown.code, shown.out) == (1, "")
    assert "EUR and USD" in shown.err
    assert "--param currency=" in shown.err
    rows = objects(run("report", "chargeback", *MARCH, "--param", "currency=EUR", "--format", "json").out)
    assert sum(Decimal(row["total"]) for row in rows if row["total"]) == Decimal("0.25")


def test_a_plan_is_shown_as_it_is_drawn(sample: Home) -> None:
    assert "─" in run("sql", "EXPLAIN SELECT 1").out


def test_reports_are_listed_from_their_files(sample: Home) -> None:
    rows = objects(run("report", "--format", "json").out)
    known = queries.load("reports")
    assert [(row["report"], row["title"], row["about"]) for row in rows] == [
        (query.name, query.title, query.about) for query in known
    ]


def test_a_report_is_of_the_last_complete_month_and_says_which(sample: Home) -> None:
    shown = run("report", "totals")
    assert shown.code == 0
    assert shown.err.startswith("20")
    assert ": no calls" in shown.err or "calls" in shown.err


def test_the_chargeback_ties_out_with_the_ledger(sample: Home) -> None:
    rows = objects(run("report", "chargeback", *MARCH, "--format", "json").out)
    columns = "cost_center provider model usage_class quantity unit direct_cost shared_cost adjustment total"
    assert list(rows[0]) == columns.split()
    assert sum(Decimal(row["total"]) for row in rows if row["total"]) == Decimal("0.00102")
    assert {row["cost_center"] for row in rows} == {"search", "support", "(unallocated)"}


def test_a_parameter_without_a_value_is_wrong_usage(sample: Home) -> None:
    shown = run("report", "spend", "--param", "by")
    assert shown.code == 2
    assert "NAME=VALUE" in shown.err


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


def test_risk_says_what_is_claimed_and_who_says_so(sample: Home) -> None:
    sample.config.write_text('[margins]\nopenai = "-0.5"\n')
    shown = run("risk", "--format", "json")
    rows = {(row["provider"], row["basis"]): row for row in objects(shown.out)}
    mine = rows["openai", "full"]
    assert (mine["margin"], mine["multiplier"], mine["risk_adjusted_cost"], mine["currency"]) == (
        "-0.5", "1.5", "0.00072", "USD",
    )  # fmt: skip
    assert rows["anthropic", "full"]["source"]
    assert "claims, not facts" in shown.err
    assert "0.00072" in run("risk").out


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


INTERRUPT = """
import os, signal, threading, time
def interrupt():
    while not any(thread.name.startswith("meter-statement") for thread in threading.enumerate()):
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
"""


@pytest.mark.parametrize("what", ["SELECT count(*)", "SELECT *"])
def test_ctrl_c_in_a_statement_is_no_fault(sample: Home, what: str) -> None:
    ask = f"{what} FROM range(3000000) AS a, range(1000000) AS b WHERE (a.range * b.range) % 7 = 70"
    shown = run_process("sql", ask, code=INTERRUPT + MAIN)
    assert (shown.code, shown.out, shown.err.strip()) == (130, "", "Error: interrupted")


def test_days_are_the_ledgers_and_not_the_machines(sample: Home) -> None:
    sample.config.write_text('[period]\ntimezone = "Pacific/Auckland"\n')
    rows = objects(run("spend", *MARCH, "--by", "day", "--format", "json").out)
    assert {row["day"] for row in rows} == {"2026-03-11", "2026-03-12"}
