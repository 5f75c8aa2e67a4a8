"""The section of the bench on growth: what the same questions take as a ledger grows from a million calls to a hundred.

Asked as a user asks: on `Ledger.reading()`, through the views, the reports and the metrics of an export. The first asking finds
neither the file in memory nor its catalogue read; the others are warm.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter import queries
from meter.exporters import samples
from meter.home import Home
from meter.ledger import Ledger
from meter.report import period, run
from meter.report.period import Period
from tests.bench import history
from tests.bench.ledgers import Took, middle, opened
from tests.bench.sections import Note, Options, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MILLION = 1_000_000
NOW = datetime(2026, 10, 20, 12, tzinfo=timezone.utc)
MONTH = period.month("2026-09", NOW)
EVER = Period(history.BEGIN, history.END, "all time")
SETTINGS = "SET threads = 2; SET memory_limit = '8GB'"
"""A small machine, so that figures compare."""

Ask = Callable[["DuckDBPyConnection"], Any]


def report(name: str, span: Period, **values: Any) -> Ask:
    return lambda con: list(run.run(con, queries.get("reports", name), span, values).rows)


def sql(statement: str) -> Ask:
    return lambda con: con.execute(statement).fetchall()


def export(con: DuckDBPyConnection) -> list[samples.Sample]:
    return samples.read(con, queries.load("metrics"), {"now": NOW, "tags": ["team"], "multipliers": []})


QUESTIONS: dict[str, tuple[float | None, Ask]] = {
    "a month by team": (1.0, report("teams", MONTH)),
    "a month by team and model": (None, report("spend", MONTH, by="team,model")),
    "a month's totals": (None, report("totals", MONTH)),
    "all time by model, report": (0.5, report("models", EVER)),
    "all time by model, spend_daily": (0.5, sql("SELECT model, sum(effective_cost) FROM spend_daily GROUP BY ALL")),
    "all time by model, from calls": (None, sql("SELECT response_model, sum(effective_cost) FROM calls GROUP BY ALL")),
    "all time by team, report": (None, report("teams", EVER)),
    "by day, report": (1.5, report("spend", EVER, by="day")),
    "by day, spend_daily": (1.5, sql("SELECT day, sum(effective_cost) FROM spend_daily GROUP BY day ORDER BY day")),
    "coverage of every month": (None, sql("FROM coverage")),
    "all metrics of an export": (None, export),
}
"""What is asked, and the seconds it may take at 100 million calls."""


def growth(options: Options, note: Note) -> Table:
    """Seconds a question, cold and warm, by the size of the ledger."""
    data = {f"{millions:g}": measured(millions, options.repeats, note) for millions in options.millions}
    sizes = list(data.values())
    rows = [
        (
            name,
            *(f"{size['asked'][name][kind]:.2f}" for size in sizes for kind in ("cold", "warm", "cpu")),
            "" if budget is None else f"{budget:.1f}",
        )
        for name, (budget, _) in QUESTIONS.items()
    ]
    columns = ("seconds", *(f"{name} {kind}" for name in data for kind in ("M cold", "warm", "cpu")), "budget at 100 M")
    notes = [
        f"{name} M: made in {size['made_s']:.0f} s, {size['bytes']:.1f} bytes a call without ids of responses and traces"
        for name, size in data.items()
    ]
    notes.append(
        f"thirteen months, read with 2 threads and 8 GB; warm: median of {options.repeats}; cpu: of that, over all threads"
    )
    return Table("Growth", columns, rows, notes, data)


def measured(millions: float, repeats: int, note: Note) -> dict[str, Any]:
    calls = round(millions * MILLION)
    with made(calls, note) as (ledger, made_s):
        asked = {}
        for name, (_, ask) in QUESTIONS.items():
            asked[name] = timed(ledger, ask, repeats)
            note()
        return {"made_s": made_s, "bytes": ledger.home.ledger.stat().st_size / calls, "asked": asked}


@contextmanager
def made(calls: int, note: Note) -> Iterator[tuple[Ledger, float]]:
    """Make a ledger of so many calls, and remove it."""
    place = Path(tempfile.mkdtemp(prefix="meter-bench-"))
    try:
        ledger = opened(place)
        begin = time.perf_counter()
        with ledger.writing() as con:
            con.execute(SETTINGS)
            history.fill(con, calls, note)
        yield ledger, time.perf_counter() - begin
    finally:
        shutil.rmtree(place)


def timed(ledger: Ledger, ask: Ask, repeats: int) -> dict[str, float]:
    """Ask once cold, then warm; each asking of a user's is a connection of its own, but its file stays in memory."""
    forget(ledger.home)
    with ledger.reading() as con:
        con.execute(SETTINGS)
        cold = once(con, ask)
        warm = middle([once(con, ask) for _ in range(repeats)])
    return {"cold": cold.wall, "warm": warm.wall, "cpu": warm.cpu}


def once(con: DuckDBPyConnection, ask: Ask) -> Took:
    begin = Took.now()
    ask(con)
    return begin.since()


def forget(home: Home) -> None:
    """Let the system drop the file from memory. No connection of this process has it open: closing it would drop the lock."""
    if not hasattr(os, "posix_fadvise"):
        return
    with home.ledger.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
