"""Calls summed by day, `ledger.days`: kept up to date by everything that changes `ledger.calls`, in the same transaction.

A day is one of the ledger's time zone; when meter.toml names another, the sums are made anew. What asks reads the view
`ledger.all_days`, which is right in any time zone: where the sums are of another, it reads the calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import duckdb

from meter.ledger import cold
from meter.ledger.transaction import quoted, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEYS = ("day", "service", "provider", "request_model", "response_model", "currency", "list_currency", "price_status")
SUMS = (
    *("calls", "estimated_calls", "untagged_calls", "input_tokens", "output_tokens", "cache_read_tokens"),
    *("list_cost", "contracted_cost", "effective_cost"),
)


def _added(name: str) -> str:
    return f"{name} = coalesce(known.{name} + more.{name}, known.{name}, more.{name})"


_SUMMED = f"SELECT {', '.join(KEYS)}, {', '.join(f'sum({name}) AS {name}' for name in SUMS)}"
_OF_BATCH = f"""
CREATE OR REPLACE TEMP TABLE batch_days AS
{_SUMMED}
FROM ledger.call_days('ledger.calls')
WHERE id BETWEEN {{low}} AND {{high}} AND id IN (SELECT id FROM incoming WHERE kind = 'call')
GROUP BY ALL
"""
# The range of days lets the scan leave out those that lie elsewhere.
_ADD = f"""
MERGE INTO ledger.days AS known
USING batch_days AS more
ON known.day BETWEEN {{first}} AND {{last}} AND {" AND ".join(f"known.{key} IS NOT DISTINCT FROM more.{key}" for key in KEYS)}
WHEN MATCHED THEN UPDATE SET {", ".join(map(_added, SUMS))}
WHEN NOT MATCHED THEN INSERT BY NAME
"""
_INSERT = f"""
INSERT INTO ledger.days BY NAME
{_SUMMED}
FROM ledger.call_days('ledger.all_calls')
WHERE {{condition}}
GROUP BY ALL
ORDER BY day
"""
_VIEW = """
CREATE OR REPLACE VIEW ledger.all_days AS
SELECT * FROM ledger.days WHERE current_setting('TimeZone') = {zone}
UNION ALL BY NAME
SELECT * EXCLUDE (id, started_at) FROM ledger.call_days('ledger.all_calls') WHERE current_setting('TimeZone') <> {zone}
"""
# No view can be made on calls whose file is missing. Who may not write and asks before the next opening gets no wrong figure.
_NO_VIEW = """
CREATE OR REPLACE VIEW ledger.all_days AS
SELECT days.*
FROM (SELECT 1 AS one) AS always
LEFT JOIN ledger.days AS days ON always.one = 1
WHERE error('calls are to be summed up by day first; whoever may write the ledger does that by: meter ingest') IS NULL
"""


def are_kept(con: DuckDBPyConnection) -> bool:
    """Tell whether the sums are there, for the time zone in force."""
    return con.execute("SELECT zone FROM ledger.days_kept").fetchall() == [(_zone(con),)]


def last_zone(con: DuckDBPyConnection) -> str | None:
    """Return the time zone of the days that are kept; None where there are none, as in a ledger of an older schema."""
    try:
        found = con.execute("SELECT zone FROM ledger.days_kept").fetchall()
    except duckdb.CatalogException:
        return None
    return str(found[0][0]) if found else None


def keep(con: DuckDBPyConnection) -> bool:
    """Sum up all calls where that is not done yet, or for another time zone. Tells whether it changed anything.

    While a cold month's file is missing there are no sums to rely on: what reads is told of the file, and the next opening
    after it is back sums up.
    """
    if are_kept(con):
        return False
    if _lacks_calls(con):
        if con.execute("SELECT count(*) FROM ledger.days_kept").fetchall() == [(0,)]:
            return False
        with transaction(con):
            _let_go(con)
        return True
    with transaction(con):
        con.execute("DELETE FROM ledger.days")
        con.execute(_INSERT.format(condition="true"))
        con.execute("DELETE FROM ledger.days_kept")
        con.execute("INSERT INTO ledger.days_kept VALUES (?, now())", [zone := _zone(con)])
        con.execute(_VIEW.format(zone=quoted(zone)))
    return True


def add(con: DuckDBPyConnection) -> None:
    """Add the calls of `incoming`, which were just inserted."""
    ((low, high),) = con.execute("SELECT min(id), max(id) FROM incoming WHERE kind = 'call'").fetchall()
    if low is None or not are_kept(con):
        return
    con.execute(_OF_BATCH.format(low=f"{quoted(low)}::UUID", high=f"{quoted(high)}::UUID"))
    ((first, last),) = con.execute("SELECT min(day), max(day) FROM batch_days").fetchall()
    con.execute(_ADD.format(first=_day(first), last=_day(last)))


def renew(con: DuckDBPyConnection, months: Sequence[date]) -> None:
    """Sum up these months anew, each given by its first day, in the transaction that changed their calls."""
    if not are_kept(con):
        return
    if _lacks_calls(con):
        _let_go(con)
        return
    for month in months:
        days = f"day >= {_day(month)} AND day < {_day(month)} + INTERVAL 1 MONTH"
        con.execute(f"DELETE FROM ledger.days WHERE {days}")
        # No time zone is a day away from UTC: so the scan can leave out what lies elsewhere.
        near = f"started_at >= {_near(month)} - INTERVAL 1 DAY AND started_at < {_near(month)} + INTERVAL 33 DAY"
        con.execute(_INSERT.format(condition=f"{near} AND {days}"))


def _lacks_calls(con: DuckDBPyConnection) -> bool:
    return any(month.fault for month in cold.months(con))


def _let_go(con: DuckDBPyConnection) -> None:
    con.execute("DELETE FROM ledger.days_kept")
    con.execute("DELETE FROM ledger.days")
    con.execute(_NO_VIEW)


def _zone(con: DuckDBPyConnection) -> str:
    ((zone,),) = con.execute("SELECT current_setting('TimeZone')").fetchall()
    return str(zone)


def _day(day: date) -> str:
    return f"{quoted(day.isoformat())}::DATE"


def _near(day: date) -> str:
    return f"{quoted(f'{day.isoformat()} 00:00:00+00')}::TIMESTAMPTZ"
