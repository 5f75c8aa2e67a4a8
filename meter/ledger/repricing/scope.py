"""Which calls are to be priced anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from meter.errors import MeterError
from meter.ledger.transaction import quoted
from meter.names import provider_for

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MODEL = "coalesce(response_model, request_model)"
"""A call's model, as reports show it."""
# A month is in a file with the bounds of the time zone of then; the days to be left out are today's.
_COLD = """
SELECT
    list(month ORDER BY month),
    ledger.local_day(min(starts_at)),
    ledger.first_whole_day(max(ends_at)),
    min(starts_at) > $since,
    max(ends_at) < $until
FROM ledger.cold_months
WHERE state = 'cold' AND starts_at < $until AND ends_at > $since
"""


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
        values = {"since": self.since, "until": self.until}
        ((months, first, after, is_from_before, is_beyond),) = con.execute(_COLD, values).fetchall()
        if months:
            named = ", ".join(f"{month:%Y-%m}" for month in months)
            ways = [f"bring them back with meter export --restore {months[0]:%Y-%m}"]
            ways += [f"begin with --since {after}"] * is_beyond
            ways += [f"end with --until {first}"] * is_from_before
            raise MeterError(f"calls of {named} lie in files, where nothing is rewritten", hint=", or ".join(ways))

    def _names(self, model: str) -> list[str]:
        found = []
        if self.provider is not None:
            found.append(f"provider IN ({quoted(provider_for(self.provider))}, {quoted(self.provider)})")
        if self.model is not None:
            found.append(f"lower({model}) GLOB {quoted(self.model.lower().replace('[', '[[]'))}")
        return found


def first_moment(con: DuckDBPyConnection, now: datetime) -> datetime:
    """Return the beginning of a scope that has none: the first call in the table; now, where there is none."""
    ((first,),) = con.execute("SELECT min(started_at) FROM ledger.calls").fetchall()
    return min(now, first) if first is not None else now


def last_moment(con: DuckDBPyConnection, now: datetime) -> datetime:
    """Return the end of a scope that has none: now, or after the last call where a clock was fast."""
    after = "SELECT max(started_at) + INTERVAL 1 MICROSECOND FROM ledger.calls"
    ((last,),) = con.execute(after).fetchall()
    return now if last is None else max(now, last)
