"""Which calls are to be priced anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from meter.errors import MeterError
from meter.ledger.transaction import quoted
from meter.names import provider_for

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MODEL = "coalesce(response_model, request_model)"
"""A call's model, as reports show it."""
_COLD = "SELECT month FROM ledger.cold_months WHERE state = 'cold' AND starts_at < ? AND ends_at > ? ORDER BY month"


@dataclass(frozen=True)
class Scope:
    """Calls that started from `since` up to but without `until`, of one provider and of models like a pattern where given.

    Only calls in the table `ledger.calls` are within reach: months that were moved into files are brought back first.
    """

    since: datetime
    until: datetime
    model: str | None = None
    """A pattern with * and ?, in any case."""
    provider: str | None = None
    """By any of its names."""

    @property
    def names(self) -> str:
        """The condition on provider and model, in SQL: of a call, or of a row with `model` in place of its two models."""
        return " AND ".join(["true", *self._names(MODEL)])

    @property
    def booked_names(self) -> str:
        """The same of a row of `ledger.adjustments`."""
        return " AND ".join(["true", *self._names("model")])

    @property
    def condition(self) -> str:
        """The whole condition, in SQL."""
        since, until = quoted(self.since.isoformat()), quoted(self.until.isoformat())
        return f"started_at >= {since}::TIMESTAMPTZ AND started_at < {until}::TIMESTAMPTZ AND {self.names}"

    @property
    def filters(self) -> str:
        """What else than time chose the calls, as JSON."""
        named = {"model": self.model, "provider": self.provider}
        return json.dumps({name: text for name, text in named.items() if text is not None})

    def refuse_cold(self, con: DuckDBPyConnection) -> None:
        """Raise MeterError where a month of the scope is in a file of its own."""
        cold = [month for (month,) in con.execute(_COLD, [self.until, self.since]).fetchall()]
        if cold:
            named = ", ".join(f"{month:%Y-%m}" for month in cold)
            after = (cold[-1] + timedelta(days=32)).replace(day=1)
            raise MeterError(
                f"calls of {named} lie in files, where nothing is rewritten",
                hint=f"bring them back with meter export --restore {cold[0]:%Y-%m}, or begin with --since {after}",
            )

    def _names(self, model: str) -> list[str]:
        found = []
        if self.provider is not None:
            found.append(f"provider IN ({quoted(provider_for(self.provider))}, {quoted(self.provider)})")
        if self.model is not None:
            found.append(f"lower({model}) GLOB {quoted(self.model.lower().replace('[', '[[]'))}")
        return found


def last_moment(con: DuckDBPyConnection, now: datetime) -> datetime:
    """Return the end of a scope that has none: now, or after the last call where a clock was fast."""
    after = "SELECT max(started_at) + INTERVAL 1 MICROSECOND FROM ledger.calls"
    ((last,),) = con.execute(after).fetchall()
    return now if last is None else max(now, last)
