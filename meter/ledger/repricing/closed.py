"""Months that are closed: what would change there, and the month that may carry it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from meter.errors import PeriodClosed
from meter.ledger.repricing.scope import Scope
from meter.ledger.repricing.slices import run
from meter.ledger.transaction import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SUMS = """
SELECT month, is_whole, currency, sum(amount) AS amount FROM reprice_owed GROUP BY ALL HAVING amount <> 0 ORDER BY ALL
"""
_THIS_MONTH = "SELECT date_trunc('month', $now::TIMESTAMPTZ AT TIME ZONE current_setting('TimeZone'))::DATE"


@dataclass(frozen=True)
class Closed:
    """What a closed month would cost more or less; corrections that are booked already are taken off."""

    month: date
    is_whole: bool
    """Whether the scope has all of it."""
    currency: str
    amount: Decimal


def owed(con: DuckDBPyConnection, scope: Scope) -> list[Closed]:
    """Make the temp table `reprice_owed`, what would have to be booked, and return its sums by month and currency."""
    since, until = (quoted(moment.isoformat()) for moment in (scope.since, scope.until))
    run(con, "owed", since=since, until=until, condition=scope.booked_names)
    return [Closed(*row) for row in con.execute(_SUMS).fetchall()]


def refuse(found: Sequence[Closed], *, adjust: bool, can_adjust: bool = True) -> None:
    """Raise PeriodClosed where a closed month would change and that is not to be booked, or cannot be."""
    if not found:
        return
    if not adjust:
        months = sorted({one.month for one in found})
        named = ", ".join(f"{one.month:%Y-%m} by {one.amount:+,f} {one.currency}" for one in map(_short, found))
        way = "book that in the open month with --adjust, or " if can_adjust else ""
        raise PeriodClosed(
            f"{'a month that is' if len(months) == 1 else 'months that are'} closed would change: {named}",
            hint=f"{way}begin later with --since {_after(months[-1])}",
        )
    for one in found:
        if not one.is_whole:
            raise PeriodClosed(
                f"{one.month:%Y-%m} is closed, and only a part of it was asked for: a correction is of a whole month",
                hint=f"ask for all of it, with --since {one.month} or earlier and --until {_after(one.month)} or later",
            )


def open_month(con: DuckDBPyConnection, now: datetime) -> date:
    """Return the month that carries a correction: this one, or the first after it that is not closed."""
    ((month,),) = con.execute(_THIS_MONTH, {"now": now}).fetchall()
    closed = {found for (found,) in con.execute("SELECT month FROM reprice_closed").fetchall()}
    while month in closed:
        month = _after(month)
    assert isinstance(month, date)
    return month


def _after(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _short(one: Closed) -> Closed:
    """Leave out zeros at the end of the amount."""
    text = f"{one.amount:f}".rstrip("0").rstrip(".")
    return Closed(one.month, one.is_whole, one.currency, Decimal(text))
