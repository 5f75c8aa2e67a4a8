"""`meter.connect()`: open all day in a notebook, and nobody waits for it."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import duckdb
import pytest

import meter
from meter.errors import LedgerLocked, LedgerMissing
from meter.home import Home
from meter.ledger import Connection, Ledger, connect, ingest
from tests.ledger.records import call, segment


@pytest.fixture
def con(ledger: Ledger) -> Iterator[Connection]:
    """A connection on a ledger with two calls, that lets go after a moment."""
    segment(ledger.home, call(), call(provider="anthropic"))
    ingest(ledger)
    with Connection(ledger, idle_s=0.05) as connection:
        yield connection


def is_free(ledger: Ledger) -> bool:
    try:
        with ledger.writing(timeout_s=0):
            return True
    except LedgerLocked:
        return False


def wait_until_free(ledger: Ledger) -> None:
    with ledger.writing(timeout_s=30):
        pass


def test_what_waits_in_the_spool_is_ingested_first(ledger: Ledger) -> None:
    segment(ledger.home, call())
    with meter.connect() as con:
        assert con.execute("SELECT count(*), sum(effective_cost) FROM calls").fetchone()[0] == 1


def test_a_result_is_fetched_as_from_duckdb(con: Connection) -> None:
    assert con.execute("SELECT provider FROM calls ORDER BY 1").fetchone() == ("anthropic",)
    assert con.fetchmany(5) == [("openai",)]
    assert con.fetchone() is None
    assert con.sql("SELECT i FROM range(5) AS r(i)").fetchmany(2) == [(0,), (1,)]
    assert con.fetchall() == [(2,), (3,), (4,)]
    assert con.fetchall() == []
    assert [
        column[0] for column in con.query("SELECT provider, count(*) AS calls FROM calls GROUP BY 1").description
    ] == ["provider", "calls"]


@pytest.mark.parametrize(
    ("query", "parameters", "expected"),
    [
        ("SELECT count(*) FROM calls WHERE provider = ?", ["openai"], [(1,)]),
        ("SELECT $a + $b", {"a": 1, "b": 2}, [(3,)]),
        ("SELECT 1 AS a, 2 AS a", None, [(1, 2)]),
        ("SELECT row(1, 2)", None, [((1, 2),)]),
        ("SELECT 1; SELECT 2", None, [(2,)]),
        ("SELECT 1; -- a comment", None, [(1,)]),
        ("FROM calls SELECT count(*)", None, [(2,)]),
        ("WITH a AS (SELECT 7 AS b) SELECT b FROM a", None, [(7,)]),
        ("PIVOT (SELECT provider, 1 AS n FROM calls) ON provider USING sum(n)", None, [(1, 1)]),
        ("SET VARIABLE x = 5; SELECT getvariable('x')", None, [(5,)]),
        ("CREATE TEMP TABLE mine AS SELECT 3 AS c; FROM mine", None, [(3,)]),
        ("SELECT current_setting('TimeZone')", None, [("UTC",)]),
        ("", None, []),
        ("SET threads = 1", None, []),
    ],
)  # fmt: skip
def test_any_statement_that_reads_can_be_asked(
    con: Connection, query: str, parameters: object, expected: object
) -> None:
    assert con.execute(query, parameters).fetchall() == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "query",
    ["DESCRIBE calls", "SHOW TABLES", "EXPLAIN SELECT count(*) FROM calls", "SUMMARIZE calls", "CALL pragma_version()"],
)
def test_a_statement_that_tells_about_the_ledger_can_be_asked(con: Connection, query: str) -> None:
    first = con.execute(query).fetchone()
    assert first
    con.execute(query).fetchmany(1)
    rest = con.fetchall()
    assert first not in rest or query == "EXPLAIN SELECT count(*) FROM calls"


def test_the_views_are_listed_and_nothing_of_ours(con: Connection) -> None:
    con.execute("SELECT 1")
    assert ("calls",) in (names := con.execute("SHOW TABLES").fetchall())
    assert not [name for (name,) in names if "result" in name]


def test_nothing_can_be_written(con: Connection) -> None:
    for statement in ("DELETE FROM ledger.calls", "DROP VIEW calls", "CREATE TABLE mine (a INTEGER)"):
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            con.execute(statement)


def test_a_mistake_is_told_in_the_words_of_the_question(con: Connection) -> None:
    with pytest.raises(duckdb.CatalogException) as caught:
        con.execute("SELECT * FROM nowhere")
    assert "TEMP" not in str(caught.value) and "meter_result" not in str(caught.value)
    with pytest.raises(duckdb.ParserException):
        con.execute("SELEC 1")
    assert con.execute("SELECT 1").fetchall() == [(1,)]


def test_the_ledger_is_let_go_of_when_nothing_more_is_asked_and_a_result_stays(con: Connection, ledger: Ledger) -> None:
    con.execute("SELECT call_id FROM calls, range(5000)")
    assert con.fetchone() is not None
    wait_until_free(ledger)
    assert len(con.fetchall()) == 2 * 5000 - 1
    assert is_free(ledger)
    assert con.execute("SELECT count(*) FROM calls").fetchall() == [(2,)]


def test_statements_in_quick_succession_share_one_opening(ledger: Ledger) -> None:
    with Connection(ledger, idle_s=60) as con:
        con.execute("SELECT 1")
        assert not is_free(ledger)
        con.execute("SELECT 2")
        assert not is_free(ledger)
    assert is_free(ledger)


def test_a_loop_of_statements_gives_others_their_turn(ledger: Ledger) -> None:
    with Connection(ledger, idle_s=0) as con:
        for _ in range(3):
            con.execute("SELECT 1")
            assert is_free(ledger)


def test_a_timer_that_comes_late_does_not_take_the_ledger_away(ledger: Ledger) -> None:
    with Connection(ledger, idle_s=60) as con:
        con.execute("SELECT 1")
        con._let_go()
        assert not is_free(ledger)


def test_ctrl_c_ends_a_statement_and_the_ledger_is_let_go_of(con: Connection, ledger: Ledger) -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        con.execute("SELECT count(*) FROM range(3000000) AS a, range(1000000) AS b WHERE (a.range * b.range) % 7 = 3")
    timer.join()
    assert is_free(ledger)
    assert con.execute("SELECT count(*) FROM calls").fetchall() == [(2,)]


LEFT_OPEN = """
import meter
con = meter.connect()
con.sql("SELECT count(*) FROM calls")
meter.connect().sql("SELECT 1")
"""


def test_a_program_that_ends_at_once_leaves_nothing_behind(con: Connection) -> None:
    done = subprocess.run([sys.executable, "-c", LEFT_OPEN], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_connection_that_is_forgotten_lets_go_of_the_ledger(ledger: Ledger, con: Connection) -> None:
    with Connection(ledger, idle_s=60) as other:
        other.execute("SELECT 1")
        assert not is_free(ledger)
    forgotten = Connection(ledger, idle_s=60).execute("SELECT 1")
    assert not is_free(ledger)
    del forgotten
    gc.collect()
    assert is_free(ledger)


def test_a_result_is_drawn_as_duckdb_draws_it(con: Connection) -> None:
    con.execute("SELECT provider, 1.5 AS cost FROM calls ORDER BY 1")
    assert con.columns == ["provider", "cost"]
    assert repr(con) == str(
        duckdb.sql("SELECT * FROM (VALUES ('anthropic', 1.5), ('openai', 1.5)) AS t (provider, cost)")
    )
    assert con.fetchone()[0] == "anthropic"
    assert "anthropic" in repr(con)
    assert con.fetchall()[0][0] == "openai"
    assert "started_at" in str(con.execute("DESCRIBE calls"))
    assert str(con.execute("CALL pragma_version()")).startswith("library_version\t")


def test_a_connection_that_was_asked_nothing_says_what_it_is(con: Connection, ledger: Ledger) -> None:
    with meter.connect() as fresh:
        assert repr(fresh) == f"<Connection on the ledger in {ledger.home.path}, read-only>"
        assert fresh.columns == []


def test_what_is_ingested_meanwhile_is_seen_by_the_next_statement(con: Connection, ledger: Ledger) -> None:
    con.execute("SELECT 1")
    segment(ledger.home, call())
    wait_until_free(ledger)
    ingest(ledger)
    assert con.execute("SELECT count(*) FROM calls").fetchall() == [(3,)]


def test_connections_and_cursors_do_not_disturb_each_other(con: Connection) -> None:
    with con.cursor() as other:
        con.execute("SELECT i FROM range(3) AS r(i)")
        assert other.execute("SELECT 'x'").fetchall() == [("x",)]
        assert con.fetchall() == [(0,), (1,), (2,)]


def test_threads_may_share_a_connection(con: Connection) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(5):
                con.execute("SELECT count(*) FROM calls")
                time.sleep(0)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_locked_ledger_is_read_as_it_was_at_the_last_ingest(ledger: Ledger) -> None:
    segment(ledger.home, call())
    with ledger.reading(), connect(ledger.home) as con:
        assert con.execute("SELECT count(*) FROM calls").fetchall() == [(0,)]


def test_one_who_may_not_write_reads_what_there_is(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    segment(ledger.home, call())
    monkeypatch.setattr(Home, "may_write_ledger", False)
    with connect(ledger.home) as con:
        assert con.execute("SELECT count(*) FROM calls").fetchall() == [(0,)]


def test_without_a_ledger_the_error_says_what_to_do(home: Home) -> None:
    with pytest.raises(LedgerMissing) as caught:
        connect()
    assert caught.value.hint == "put `import meter.auto` into a service, or try: meter demo"


def test_unknown_names_are_not_there(con: Connection) -> None:
    with pytest.raises(AttributeError, match="no attribute 'begin'"):
        con.begin()
    con.execute("SET threads = 1")
    with pytest.raises(AttributeError):
        con.df()
    con.execute("SELECT 1")
    with suppress(ImportError):  # pandas is nobody's dependency here
        con.df()
