"""What a catalogue changed: two editions of the price book, price by price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter.names import CLASSES, provider_for
from meter.pricing.book import STANDARD

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
_MILLIONTH = Decimal("1e-6")


@dataclass(frozen=True)
class Change:
    """One price that is another from a moment on; None stands for no price. Prices are for one unit."""

    change: str
    provider: str
    model: str
    conditions: str
    usage_class: str
    old_price: Decimal | None
    new_price: Decimal | None
    currency: str
    valid_from: datetime | None
    day_from_s: int | None
    input_over: int | None
    url: str | None

    @property
    def percent(self) -> Decimal | None:
        """How much dearer, in percent: exact where six decimals do, else rounded to them. None from or to no price."""
        if not self.old_price or self.new_price is None:
            return None
        exact = _WIDE.divide(_WIDE.multiply(_WIDE.subtract(self.new_price, self.old_price), 100), self.old_price)
        return exact.quantize(_MILLIONTH, context=_WIDE)


@dataclass(frozen=True)
class Difference:
    """What differs: how many models were added, removed and changed, and each price."""

    models: Mapping[str, int]
    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.models)


def difference(con: DuckDBPyConnection, before: int, after: int) -> Difference:
    """Compare two editions; 0 is the empty book."""
    query = Path(__file__).with_name("difference.sql").read_text("utf-8")
    classes = [usage_class.name for usage_class in CLASSES]
    rows = con.execute(query, {"before": before, "after": after, "classes": classes}).fetchall()
    return Difference(_models(rows), tuple(_change(*row) for row in rows if row[4] is not None))


def _models(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    return dict(Counter(change for change, _, _ in {row[:3] for row in rows}))


def _change(change: str, provider: str, model: str, conditions: str, *rest: Any) -> Change:
    return Change(change, provider_for(provider), model, conditions or STANDARD, *rest)
