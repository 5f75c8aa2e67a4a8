"""Cold months: out of the ledger into Parquet, one file a month, and back.

A month moves in three steps, and a kill between any two loses and doubles nothing. First the ledger notes that a file is being
made: should nothing follow, the next one removes it. Then the file is written beside its name, synced, read back, compared to the
last digit, and renamed. Then one transaction registers the file, deletes the rows and makes the views that span both. Back it
goes likewise: one transaction inserts the rows and notes that the file can go.

The file holds the columns of `ledger.calls`, and `raw`: the provider's usage object, which moves along. With METER_RAW_DAYS it
stays in the ledger, where its days are counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from meter import settings
from meter.errors import MeterError
from meter.home import Home
from meter.ledger import cold, days, fingerprint, parquet, views
from meter.ledger.cold import ColdMonth
from meter.ledger.fingerprint import Fingerprint
from meter.ledger.store import Ledger
from meter.ledger.transaction import counted, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Step = Callable[[str], None]
Progress = Callable[[int, int], None]

FOLDER = "cold"
"""Where cold months go by default: beside the ledger's file."""

_LOCAL = "date_trunc('month', started_at AT TIME ZONE current_setting('TimeZone'))::DATE"
_FIRST = "($month::DATE::TIMESTAMP AT TIME ZONE current_setting('TimeZone'))"
_NEXT = "(($month::DATE + INTERVAL 1 MONTH)::TIMESTAMP AT TIME ZONE current_setting('TimeZone'))"
_STAYING = f"""
SELECT month, count(*) AS calls, month IN (SELECT month FROM ledger.cold_months WHERE state = 'cold') AS is_cold
FROM (SELECT {_LOCAL} AS month FROM ledger.calls WHERE started_at < {_FIRST})
GROUP BY month
ORDER BY month
"""
_BEGIN = f"""
INSERT INTO ledger.cold_months (month, starts_at, ends_at, state, path, moved_at)
VALUES ($month, {_FIRST}, {_NEXT}, 'writing', $path, now())
"""
_REGISTER = """
UPDATE ledger.cold_months
SET state = 'cold', bytes = $bytes, digest = $digest, calls = $calls, min_id = $min_id, max_id = $max_id,
    sums = from_json($sums, '"MAP(VARCHAR, DECIMAL(38, 12))"'),
    effective_cost = from_json($costs, '"MAP(VARCHAR, DECIMAL(38, 12))"'), moved_at = now()
WHERE path = $path AND state = 'writing'
"""
# Those of today's time zone, which may be another than when the month was moved.
_LOCAL_MONTHS = """
SELECT DISTINCT ledger.month_of(moment)
FROM (SELECT unnest([starts_at, ends_at - INTERVAL 1 MICROSECOND]) AS moment FROM ledger.cold_months WHERE month = $month)
"""
_COSTS = """
SELECT currency, sum(coalesce(effective_cost_if_other, contracted_cost_if_other, list_cost))
FROM ({rows})
WHERE coalesce(effective_cost_if_other, contracted_cost_if_other, list_cost) IS NOT NULL
GROUP BY currency
"""


@dataclass(frozen=True)
class Moved:
    """One month that was moved or copied."""

    month: date
    path: Path
    calls: int
    bytes: int


@dataclass(frozen=True)
class Staying:
    """A month with calls in the ledger; where it is cold already, they came late."""

    month: date
    calls: int
    is_cold: bool


def staying(con: DuckDBPyConnection, before: date) -> list[Staying]:
    """Return the months with calls in the ledger's own file, up to a month."""
    return [Staying(*row) for row in con.execute(_STAYING, {"month": before}).fetchall()]


def move_out(
    ledger: Ledger, folder: Path, before: date, *, progress: Progress | None = None, step: Step = lambda _: None
) -> Iterator[Moved]:
    """Move the calls of every month before `before` out of the ledger, and yield each month that is moved.

    The ledger is let go of after each month. A month that is cold already is passed over: what came late for it stays. Raises
    MeterError for a month that is not over, for a folder that cannot be written, and for a file that is not what was written.
    """
    with ledger.writing() as con:
        _refuse_unfinished(con, before)
        sweep(con)
        waiting = [one.month for one in staying(con, before) if not one.is_cold]
    for done, month in enumerate(waiting):
        with ledger.writing() as con:
            if month in {one.month for one in cold.months(con)}:
                continue  # another was quicker
            moved = _move(con, ledger.home, folder, month, step)
        if progress is not None:
            progress(done + 1, len(waiting))
        yield moved


def copy_out(ledger: Ledger, folder: Path, before: date, *, progress: Progress | None = None) -> Iterator[Moved]:
    """Write the view `calls` of each month before `before` to a file, cold months included, and leave the ledger as it is."""
    with ledger.reading() as con:
        _refuse_unfinished(con, before)
        months = con.execute(
            f"SELECT DISTINCT {_LOCAL} AS month FROM ledger.all_calls WHERE started_at < {_FIRST} ORDER BY month",
            {"month": before},
        ).fetchall()
        for done, (month,) in enumerate(months):
            starts, ends = _bounds(con, month)
            rows = f"SELECT * FROM calls WHERE started_at >= {starts} AND started_at < {ends}"
            path = parquet.made(folder, ledger.home) / f"calls-{month:%Y-%m}.parquet"
            if path.exists():
                raise MeterError(f"{path} is there already", hint="name another folder, or remove the file")
            with parquet.beside(path, ledger.home) as part:
                calls = parquet.write(con, rows, "started_at, call_id", part)
            if progress is not None:
                progress(done + 1, len(months))
            yield Moved(month, path, calls, path.stat().st_size)


def bring_back(ledger: Ledger, month: date, *, step: Step = lambda _: None) -> Moved:
    """Take a cold month's calls into the ledger again, and remove its file, as far as it can be removed.

    Raises MeterError when the month is not cold, ColdFileMissing, and MeterError for a file that is not what was written.
    """
    with ledger.writing() as con:
        sweep(con)
        found = _cold(con, month)
        cold.check([found])
        file = f"read_parquet({cold.literal(found.path)})"
        _verify_registered(con, found, file)
        step("verified")
        with transaction(con):
            taken = counted(
                con, f"INSERT INTO ledger.calls BY NAME SELECT * EXCLUDE (raw) FROM {file} ORDER BY started_at, id"
            )
            if taken != found.calls:
                raise AssertionError(f"{found.calls} calls to take back, but {taken} were")
            con.execute(f"INSERT INTO ledger.raw_usage SELECT id, raw FROM {file} WHERE raw IS NOT NULL ORDER BY id")
            con.execute("UPDATE ledger.cold_months SET state = 'leaving' WHERE month = ? AND state = 'cold'", [month])
            views.span(con)
        step("returned")
        con.execute("CHECKPOINT")
        sweep(con)
        step("swept")
    return Moved(month, found.path, found.calls, found.bytes)


def forget(ledger: Ledger, month: date) -> Moved:
    """Go on without a cold month whose file is lost. Raises MeterError for one that is there, or not cold."""
    with ledger.writing() as con:
        found = _cold(con, month)
        if found.fault is None:
            raise MeterError(
                f"{found.path} is there, so its calls are not lost",
                hint=f"bring them back with: meter export --restore {month:%Y-%m}",
            )
        months = [day for (day,) in con.execute(_LOCAL_MONTHS, {"month": month}).fetchall()]
        with transaction(con):
            con.execute("DELETE FROM ledger.cold_months WHERE month = ? AND state = 'cold'", [month])
            views.span(con)
            days.renew(con, months)
        con.execute("CHECKPOINT")
    return Moved(month, found.path, found.calls, found.bytes)


def sweep(con: DuckDBPyConnection) -> None:
    """Remove the files of moves that were cut short, and of months that are back. No other file can have their names.

    What cannot be removed, as from an archive that is read-only by now, hinders nobody: it is read no more, and tried again.
    """
    place = cold.folder(con)
    for (path,) in con.execute("SELECT path FROM ledger.cold_months WHERE state <> 'cold'").fetchall():
        try:
            for file in (place / path, parquet.part_of(place / path)):
                file.unlink(missing_ok=True)
        except OSError:
            continue
        con.execute("DELETE FROM ledger.cold_months WHERE path = ? AND state <> 'cold'", [path])


def _move(con: DuckDBPyConnection, home: Home, folder: Path, month: date, step: Step) -> Moved:
    path = parquet.made(folder, home) / f"calls-{month:%Y-%m}-{uuid4().hex[:8]}.parquet"
    stored = _stored(path, cold.folder(con))
    con.execute(_BEGIN, {"month": month, "path": stored})
    step("begun")
    starts, ends = _bounds(con, month)
    within = f"started_at >= {starts} AND started_at < {ends}"
    with_raw = settings.get().raw_days is None
    rows = _rows(con, within, with_raw=with_raw)
    with parquet.beside(path, home) as part:
        parquet.write(con, rows, "started_at, id", part)
        step("written")
        written = _verified(con, rows, within, part)
        step("verified")
    step("renamed")
    costs = dict(con.execute(_COSTS.format(rows=f"FROM ledger.calls WHERE {within}")).fetchall())
    with transaction(con):
        _register(con, stored, path, written, costs)
        if with_raw:
            con.execute(
                f"DELETE FROM ledger.raw_usage WHERE id BETWEEN '{written.min_id}'::UUID AND '{written.max_id}'::UUID"
                f" AND id IN (SELECT id FROM ledger.calls WHERE {within})"
            )
        if (gone := counted(con, f"DELETE FROM ledger.calls WHERE {within}")) != written.calls:
            raise AssertionError(f"{written.calls} calls to move, but {gone} were")
        views.span(con)
    step("moved")
    con.execute("CHECKPOINT")
    step("folded")
    return Moved(month, path, written.calls, path.stat().st_size)


def _rows(con: DuckDBPyConnection, within: str, *, with_raw: bool) -> str:
    """Return the query for what a month's file holds."""
    if not with_raw:
        return f"SELECT calls.*, NULL::VARCHAR AS raw FROM ledger.calls AS calls WHERE {within}"
    ((low, high),) = con.execute(f"SELECT min(id), max(id) FROM ledger.calls WHERE {within}").fetchall()
    kept = f"SELECT id AS raw_id, raw FROM ledger.raw_usage WHERE id BETWEEN '{low}'::UUID AND '{high}'::UUID"
    return (
        f"SELECT calls.*, kept.raw FROM ledger.calls AS calls LEFT JOIN ({kept}) AS kept ON raw_id = id WHERE {within}"
    )


def _verified(con: DuckDBPyConnection, rows: str, within: str, part: Path) -> Fingerprint:
    """Compare the file with the ledger, in number, ids, sums, types and every single value."""
    file = f"SELECT * FROM read_parquet({cold.literal(part)})"
    meant, found = (fingerprint.of_calls(con, query) for query in (rows, file))
    ((calls,),) = con.execute(f"SELECT count(*) FROM ledger.calls WHERE {within}").fetchall()
    types = [[row[:2] for row in con.execute(f"DESCRIBE {query}").fetchall()] for query in (rows, file)]
    if meant != found or calls != found.calls or types[0] != types[1]:
        raise MeterError(
            f"{part} is not what was written: {found.calls:,} calls of {calls:,}, or other values",
            hint="the ledger is as it was; look at the disk, then try again",
        )
    return found


def _verify_registered(con: DuckDBPyConnection, month: ColdMonth, file: str) -> None:
    ((sums, digest),) = con.execute(
        "SELECT sums, digest FROM ledger.cold_months WHERE month = ? AND state = 'cold'", [month.month]
    ).fetchall()
    hint = (
        "put the file back from a backup; nothing was taken from it. Without a backup: keep a copy elsewhere, remove the file,"
        f" and go on without its {month.calls:,} calls: meter export --forget {month.month:%Y-%m}"
    )
    if digest is not None and parquet.digest(month.path) != digest:
        raise MeterError(f"{month.path} is not what was written: it has as many bytes, but not the same", hint=hint)
    if not fingerprint.of_calls(con, f"FROM {file}").holds(month.calls, month.min_id, month.max_id, sums):
        raise MeterError(
            f"{month.path} is not what was written: its number of calls, ids or sums differ from what the ledger noted",
            hint=hint,
        )


def _register(
    con: DuckDBPyConnection, stored: str, path: Path, written: Fingerprint, costs: Mapping[str, Decimal]
) -> None:
    values = {
        "path": stored,
        "bytes": path.stat().st_size,
        "digest": parquet.digest(path),
        "calls": written.calls,
        "min_id": written.min_id,
        "max_id": written.max_id,
        "sums": _as_json(written.sums),
        "costs": _as_json(costs),
    }
    con.execute(_REGISTER, values)


def _as_json(amounts: Mapping[str, Decimal]) -> str:
    return json.dumps({name: f"{amount:f}" for name, amount in amounts.items()})


def _stored(path: Path, place: Path) -> str:
    """Return the path as the ledger keeps it: a home that is moved takes along what lies within."""
    return str(path.relative_to(place) if place in path.parents else path)


def _bounds(con: DuckDBPyConnection, month: date) -> tuple[str, str]:
    """Return a month's bounds as literals; so a scan can leave out what lies elsewhere."""
    bounds = con.execute(f"SELECT {_FIRST}, {_NEXT}", {"month": month}).fetchall()[0]
    starts, ends = (f"'{bound.isoformat()}'::TIMESTAMPTZ" for bound in bounds)
    return starts, ends


def _refuse_unfinished(con: DuckDBPyConnection, before: date) -> None:
    ((is_over, this),) = con.execute(
        f"SELECT {_FIRST} <= now(), (now() AT TIME ZONE current_setting('TimeZone'))::DATE", {"month": before}
    ).fetchall()
    if not is_over:
        raise MeterError(
            f"{this:%Y-%m} is not over, and calls of it still come: only months before it can be moved or copied",
            hint=f"the latest that can be named is: --before {this:%Y-%m}",
        )


def _cold(con: DuckDBPyConnection, month: date) -> ColdMonth:
    found = {one.month: one for one in cold.months(con)}
    if month not in found:
        names = ", ".join(f"{one:%Y-%m}" for one in found) or "none"
        raise MeterError(f"{month:%Y-%m} was not moved out of the ledger", hint=f"months that were: {names}")
    return found[month]
