"""When prices hold: the days on which a model's prices change, and the parts of the day that differ.

genai-prices answers "which prices hold at this moment?". Asking it once between every two boundaries turns its constraints into
plain periods, whatever their kinds and order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise

from genai_prices.types import ModelInfo, StartDateConstraint, TimeOfDateConstraint

DAY_S = 86_400
_BEFORE_ALL = date(1970, 1, 1)


@dataclass(frozen=True)
class Window:
    """Whole days from `valid_from` to `valid_to` (exclusive, UTC), and the seconds of those days; None is without bound."""

    valid_from: date | None
    valid_to: date | None
    day_from_s: int
    day_to_s: int

    @property
    def moment(self) -> datetime:
        """A moment inside the window."""
        day = self.valid_from or (self.valid_to - timedelta(days=1) if self.valid_to else _BEFORE_ALL)
        return datetime.combine(day, time(), timezone.utc) + timedelta(seconds=self.day_from_s)


def windows(model: ModelInfo) -> Iterator[list[Window]]:
    """Yield, for each span of days between two changes of a model's prices, the windows of those days."""
    constraints = list(_constraints(model))
    days = sorted({c.start_date for c in constraints if isinstance(c, StartDateConstraint)})
    seconds = sorted({0, DAY_S}.union(*(_seconds(c) for c in constraints if isinstance(c, TimeOfDateConstraint))))
    for valid_from, valid_to in pairwise([None, *days, None]):
        yield [Window(valid_from, valid_to, start, end) for start, end in pairwise(seconds)]


def _constraints(model: ModelInfo) -> Iterator[StartDateConstraint | TimeOfDateConstraint]:
    conditional = model.prices if isinstance(model.prices, list) else []
    for priced in (*conditional, *(model.price_variants or ())):
        if priced.constraint is not None:
            yield priced.constraint


def _seconds(constraint: TimeOfDateConstraint) -> Iterable[int]:
    return (_second_of_day(constraint.start_time), _second_of_day(constraint.end_time))


def _second_of_day(moment: time) -> int:
    if moment.tzinfo is not None:
        moment = datetime.combine(_BEFORE_ALL, moment).astimezone(timezone.utc).time()
    if moment.microsecond:
        raise ValueError(f"a price changes at {moment}: only whole seconds can be stored")
    return moment.hour * 3600 + moment.minute * 60 + moment.second
