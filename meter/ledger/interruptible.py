"""Ctrl-C during a statement. DuckDB looks for signals only now and then: not while it makes a table or looks for a first row."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

T = TypeVar("T")

PAUSE_S = 0.05


def interruptible(con: DuckDBPyConnection, work: Callable[[], T]) -> T:
    """Return what `work` returns. It is done on a thread of its own, so that this one hears Ctrl-C and ends DuckDB's statement.

    Raises what `work` raises, and KeyboardInterrupt once the statement has ended.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()  # signals come to the main thread only
    with ThreadPoolExecutor(1, "meter-statement") as pool:
        result = pool.submit(work)
        try:
            return result.result()
        finally:
            while not result.done():
                con.interrupt()  # again and again: the first may have come before the statement began
                wait([result], PAUSE_S)
