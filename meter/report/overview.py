"""What one screen says: today, the month so far, the last month, who spent it, and how much of it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meter.report import conversion, period, run
from meter.report.known import Known, summary
from meter.report.period import Period

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TOP = 4


@dataclass(frozen=True)
class Spender:
    """One team or model: its cost, and its share of all cost in that currency."""

    name: str
    cost: Decimal | None
    currency: str | None
    share: float | None


@dataclass(frozen=True)
class Overview:
    """The figures of the screen."""

    now: datetime
    totals: Mapping[str, Known]
    month: Period
    """What coverage and the spenders are of."""
    statement: str | None
    """The month to ask a chargeback for; None for the last one, which a report is of by itself."""
    top: Mapping[str, Sequence[Spender]]
    coverage: Mapping[str, int]
    converted: Sequence[str]
    """At which rates, and what could not be, where all is in one currency."""
    lost: int
    dead_letters: int

    def rate(self, name: str) -> float:
        """Return a coverage count as a share of the month's calls."""
        calls = self.coverage["calls"]
        return self.coverage[name] / calls if calls else 0.0


def overview(connection: DuckDBPyConnection, now: datetime, currency: str | None = None) -> Overview:
    """Read the figures, in one currency where one is given. In a month without calls yet, the last one shows who spent."""
    today, month, last = period.today(now), period.month_to_date(now), period.month(None, now)
    totals = {span.title: summary(connection, span, currency) for span in (today, month, last)}
    shown = month if totals[month.title].calls or not totals[last.title].calls else last
    costs = totals[shown.title].costs
    return Overview(
        now=now,
        totals=totals,
        month=shown,
        statement=None if totals[last.title].calls else f"{month.start:%Y-%m}",
        top={
            "teams": _top(
                run.rows(connection, "teams", shown, report_currency=currency), lambda row: row["team"], costs
            ),
            "models": _top(
                run.rows(connection, "models", shown, report_currency=currency),
                lambda row: row["model"] or "(unknown)",
                costs,
            ),
        },
        coverage=run.rows(connection, "coverage", shown)[0],
        converted=_converted(connection, totals, (today, month, last), currency),
        **_missing(connection),
    )


def _converted(
    connection: DuckDBPyConnection, totals: Mapping[str, Known], spans: Sequence[Period], currency: str | None
) -> list[str]:
    """Return what is to say of the rates of every period shown, today's being the month's."""
    wide = Period(min(span.start for span in spans), max(span.end for span in spans), "shown")
    return conversion.sentences(connection, wide, currency) if any(known.calls for known in totals.values()) else []


def _missing(connection: DuckDBPyConnection) -> dict[str, int]:
    """Return what is in no figure at all, of whatever time."""
    found = connection.execute(
        "SELECT (SELECT coalesce(sum(lost), 0)::BIGINT FROM ledger.checkpoints), (SELECT dead_letters FROM ledger.ingested)"
    ).fetchone()
    assert found is not None
    return {"lost": found[0], "dead_letters": found[1]}


def _top(rows: Sequence[Mapping[str, Any]], name: Callable[[Any], str], costs: Mapping[str, Decimal]) -> list[Spender]:
    return [
        Spender(
            name(row), row["effective_cost"], row["currency"], _share(row["effective_cost"], costs.get(row["currency"]))
        )
        for row in rows[:TOP]
    ]


def _share(cost: Decimal | None, of: Decimal | None) -> float | None:
    return float(cost / of) if cost is not None and of else None
