"""Ctrl-C ends a statement, wherever DuckDB is in it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import duckdb
import pytest

from meter.ledger.interruptible import interruptible

ENDLESS = "range(3000000) AS a, range(1000000) AS b WHERE (a.range * b.range) % 7 = 70"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize(
    "statement", [f"SELECT count(*) FROM {ENDLESS}", f"CREATE TABLE t AS SELECT * FROM {ENDLESS}", f"FROM {ENDLESS}"]
)
def test_a_signal_ends_a_statement_and_the_connection_lives_on(con: duckdb.DuckDBPyConnection, statement: str) -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        interruptible(con, lambda: con.execute(statement).fetchall())
    timer.join()
    assert con.execute("SELECT 1").fetchall() == [(1,)]


def test_what_the_work_returns_or_raises_comes_through(con: duckdb.DuckDBPyConnection) -> None:
    assert interruptible(con, lambda: con.execute("SELECT 7").fetchall()) == [(7,)]
    with pytest.raises(duckdb.ParserException):
        interruptible(con, lambda: con.execute("SELEC"))


def test_elsewhere_than_in_the_main_thread_it_is_done_right_there(con: duckdb.DuckDBPyConnection) -> None:
    done: list[threading.Thread] = []
    thread = threading.Thread(target=lambda: interruptible(con, lambda: done.append(threading.current_thread())))
    thread.start()
    thread.join()
    assert done == [thread]
