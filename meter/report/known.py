"""How much of a period is known: no total without the share of it that has no price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from meter.report import numbers, run
from meter.report.period import Period

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Known:
    """A period's totals by currency, and what they leave out."""

    calls: int
    unpriced: int
    costs: dict[str, Decimal]

    @property
    def share(self) -> float:
        """The unpriced share of the calls."""
        return self.unpriced / self.calls if self.calls else 0.0

    def sentence(self, title: str) -> str:
        """Say the totals, and beside them what has no price."""
        if not self.calls:
            return f"{title}: no calls"
        costs = (
            " + ".join(f"{numbers.money(cost)} {currency}" for currency, cost in self.costs.items()) or "no cost known"
        )
        return f"{title}: {costs}, {numbers.plural(self.calls, 'call')}{self.gap()}"

    def gap(self) -> str:
        """Say what is unpriced; nothing when nothing is."""
        return f"; unpriced: {numbers.share(self.share)} of the calls" if self.unpriced else ""


def summary(connection: DuckDBPyConnection, period: Period, currency: str | None = None) -> Known:
    """Return a period's totals, in one currency where one is given."""
    totals = run.rows(connection, "totals", period, report_currency=currency)
    return Known(
        calls=sum(row["calls"] for row in totals),
        unpriced=sum(row["unpriced_calls"] for row in totals),
        costs={row["currency"]: row["effective_cost"] for row in totals if row["effective_cost"] is not None},
    )


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
