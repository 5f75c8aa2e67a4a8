"""Chores of a ledger that grows: raw usage that is older than METER_RAW_DAYS goes. The calls, their usage and costs stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from uuid import UUID

from meter import settings
from meter.ledger.store import Ledger
from meter.ledger.transaction import counted, transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EVERY = timedelta(days=1)
CHORE = "raw usage"


def utc_now() -> datetime:
    """Return this moment."""
    return datetime.now(timezone.utc)


def tidy(ledger: Ledger, *, now: Callable[[], datetime] = utc_now) -> int:
    """Delete raw usage that is due, at most once a day; return how many objects went.

    Without METER_RAW_DAYS nothing is ever due, and the ledger is not even opened. Raises as `Ledger.writing` does.
    """
    days = settings.get().raw_days
    if days is None or not ledger.home.may_write_ledger or not ledger.home.ledger.exists():
        return 0
    with ledger.writing() as con:
        moment = now()
        return _delete(con, moment, days) if _is_due(con, moment) else 0


def id_from(moment: datetime) -> UUID:
    """Return the first id of a moment: ids begin with the milliseconds of their call, so they sort by time."""
    since = max(moment - datetime(1970, 1, 1, tzinfo=timezone.utc), timedelta())
    return UUID(int=since // timedelta(milliseconds=1) << 80)


def _is_due(con: DuckDBPyConnection, moment: datetime) -> bool:
    done = con.execute("SELECT max(done_at) FROM ledger.chores WHERE name = ?", [CHORE]).fetchall()[0][0]
    return done is None or not timedelta() <= moment - done < EVERY  # a clock that was set back delays nothing


def _delete(con: DuckDBPyConnection, moment: datetime, days: int) -> int:
    """Delete by a bound on ids alone: the others' row groups are not even read."""
    limit = id_from(moment - timedelta(days=min(days, moment.toordinal() - 1)))
    with transaction(con):
        gone = counted(con, f"DELETE FROM ledger.raw_usage WHERE id < '{limit}'::UUID")
        con.execute("DELETE FROM ledger.chores WHERE name = ?", [CHORE])
        con.execute("INSERT INTO ledger.chores VALUES (?, ?)", [CHORE, moment])
    return gone
