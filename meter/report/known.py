"""How much of a period is known: no total without the share of it that has no price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meter.report import numbers, run
from meter.report.period import Period

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_ADJUSTED = """
SELECT
    EXISTS (
        FROM ledger.monthly_rules
        WHERE coalesce(valid_from, '-infinity') < $to AND coalesce(valid_to, 'infinity') > $from
    ) OR EXISTS (FROM ledger.adjustments WHERE month >= $from::DATE AND month < $to::DATE)
"""


_UNMEASURED = """
SELECT count(*)
FROM ledger.all_calls
WHERE price_status = 'no_usage' AND status IS DISTINCT FROM 'error'
    AND billed IS DISTINCT FROM false AND started_at >= $from AND started_at < $to
"""
"""A call that failed without usage costs nothing that anybody knows of. Any other without usage cost something."""


@dataclass(frozen=True)
class Bound:
    """What calls without a price would cost at the prices of their nearest relatives: at least, and at most."""

    low: Decimal
    high: Decimal
    currency: str

    def __str__(self) -> str:
        low, high = numbers.money(self.low), numbers.money(self.high)
        return f"{low} {self.currency}" if low == high else f"{low} to {high} {self.currency}"


@dataclass(frozen=True)
class Known:
    """A period's totals by currency, and what they leave out. `unbounded` calls have no relative, or a class that none has."""

    calls: int
    unpriced: int
    costs: dict[str, Decimal]
    bounds: tuple[Bound, ...] = field(default=())
    unbounded: int = 0
    unmeasured: int = 0
    """Calls that did not fail, and whose usage nobody stated: they are in no total."""
    has_adjustments: bool = False
    """Whether contracts settle something by the month, which is no cost of a call and in no total here."""

    @property
    def share(self) -> float:
        """The unpriced share of the calls."""
        return self.unpriced / self.calls if self.calls else 0.0

    @property
    def is_incomplete(self) -> bool:
        """Whether the totals leave out something that was paid for."""
        return bool(self.unpriced or self.unmeasured)

    def sentence(self, title: str) -> str:
        """Say the totals, and beside them what has no price."""
        if not self.calls:
            return f"{title}: no calls"
        costs = (
            " + ".join(f"{numbers.money(cost)} {currency}" for currency, cost in self.costs.items()) or "no cost known"
        )
        more = (
            "; what contracts settle by the month is not in it: meter report adjustments"
            if self.has_adjustments
            else ""
        )
        return f"{title}: {costs}, {numbers.plural(self.calls, 'call')}{self.gap()}{more}"

    def gap(self) -> str:
        """Say what is unpriced, and what has no usage; nothing when nothing is."""
        return self._unpriced() + self._unmeasured()

    def _unmeasured(self) -> str:
        if not self.unmeasured:
            return ""
        return f"; without usage: {numbers.share(self.unmeasured / self.calls)} of the calls, at unknown cost"

    def _unpriced(self) -> str:
        if not self.unpriced:
            return ""
        share = f"; unpriced: {numbers.share(self.share)} of the calls"
        if not self.bounds:
            return share
        rest = f"; {numbers.share(self.unbounded / self.calls)} have no such bound" if self.unbounded else ""
        return f"{share}; if priced like their nearest relatives, {self.likely} more{rest}"

    @property
    def likely(self) -> str:
        """The bounds in words, such as 1.20 to 3.40 USD; nothing where none is known."""
        return " + ".join(map(str, self.bounds))


def summary(connection: DuckDBPyConnection, period: Period, currency: str | None = None) -> Known:
    """Return a period's totals, in one currency where one is given."""
    totals = run.rows(connection, "totals", period, report_currency=currency)
    unpriced = sum(row["unpriced_calls"] for row in totals)
    items = run.rows(connection, "unpriced", period) if unpriced else []
    return Known(
        calls=sum(row["calls"] for row in totals),
        unpriced=unpriced,
        costs={row["currency"]: row["effective_cost"] for row in totals if row["effective_cost"] is not None},
        bounds=tuple(_bounds(items)),
        unbounded=sum(row["calls"] for row in items if row["bound_high"] is None or row["unbounded_classes"]),
        unmeasured=connection.execute(_UNMEASURED, period.bounds()).fetchall()[0][0],
        has_adjustments=connection.execute(_ADJUSTED, period.bounds()).fetchall() == [(True,)],
    )


def _bounds(items: Sequence[Mapping[str, Any]]) -> Iterator[Bound]:
    """Add up the bounds of what is unpriced, by currency."""
    known = [item for item in items if item["bound_high"] is not None]
    for currency in sorted({item["currency"] for item in known}):
        low, high = (
            sum((item[name] for item in known if item["currency"] == currency), Decimal(0))
            for name in ("bound_low", "bound_high")
        )
        yield Bound(low, high, currency)


GAPS = (
    ("unpriced_calls", "unpriced"),
    ("partial_calls", "partly priced"),
    ("no_usage_calls", "without usage"),
    ("estimated_calls", "estimated"),
    ("untagged_calls", "untagged"),
    ("failed_calls", "failed"),
)


def coverage(row: Mapping[str, int], gaps: Sequence[tuple[str, str]] = GAPS) -> Iterator[str]:
    """Say which shares of a period's calls are priced, and which are not fully known; `row` is the report of that name."""
    if not (calls := row["calls"]):
        yield "no calls"
        return
    yield f"{numbers.share(row['priced_calls'] / calls)} priced"
    for name, word in gaps:
        if row[name]:
            yield f"{numbers.share(row[name] / calls)} {word}"
