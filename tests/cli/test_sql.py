"""sql: it reads whatever it is asked, writes nothing, and says what its sums leave out or mix."""

from __future__ import annotations

from pathlib import Path

import pytest

from meter.home import Home
from tests.cli.conftest import record_in_euros
from tests.cli.running import MAIN, run, run_process


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


def test_a_mixture_of_currencies_is_warned_of(sample: Home) -> None:
    mixed = "SELECT unnest(['USD', 'EUR']) AS currency, 1.5::DECIMAL(26,12) AS effective_cost"
    shown = run("sql", mixed, "--format", "csv")
    assert "mix EUR and USD" in shown.err
    assert shown.out == "currency,effective_cost\nUSD,1.5\nEUR,1.5\n"
    assert "mix" not in run("sql", "SELECT currency, sum(effective_cost) FROM calls GROUP BY ALL").err


def test_a_sum_over_two_currencies_is_warned_of(sample: Home) -> None:
    record_in_euros()
    assert "this mixes EUR and USD" in run("sql", "SELECT sum(effective_cost) FROM calls").err
    for ask in ("SELECT sum(effective_cost) FROM calls WHERE currency = 'USD'", "SELECT count(*) FROM calls"):
        assert "mixes" not in run("sql", ask).err


def test_a_plan_is_shown_as_it_is_drawn(sample: Home) -> None:
    assert "─" in run("sql", "EXPLAIN SELECT 1").out


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
