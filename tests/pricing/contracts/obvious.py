"""Contract rules as one would explain them to a colleague: call by call, class by class, in fractions; no code of Meter's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any

PARENTS = {
    "cache_read": "input",
    "cache_write_5m": "cache_write",
    "cache_write_1h": "cache_write",
    "cache_write": "input",
    "input_audio": "input",
    "reasoning": "output",
}
NAMED = ("provider", "account", "server", "deployment", "model", "tier", "region")

Table = Mapping[str, Any]


def contracted(
    call: Table, tables: Mapping[str, Table], public: Mapping[str, Fraction | None], tier: str
) -> dict[str, Fraction | None]:
    """Return the price of each class of the call's usage; `public` are its list prices."""
    taking = [table for table in tables.values() if _takes(table, call, tier)]
    return {name: _price(name, taking, price, tier) for name, price in public.items()}


def cost(usage: Mapping[str, int], prices: Mapping[str, Fraction | None]) -> Decimal | None:
    """Return the sum of the charges, each rounded half up to 12 decimals; None if none is known."""
    charges = [_rounded(count * price) for name, count in usage.items() if (price := prices[name]) is not None]
    return sum(charges, Decimal(0)) if charges else None


def _takes(table: Table, call: Table, tier: str) -> bool:
    moment: datetime = datetime.fromisoformat(call["started_at"])
    if not (table.get("from", moment) <= moment and ("to" not in table or moment < table["to"])):
        return False
    own = {**call, "tier": tier}
    for name in NAMED:
        names = [call["priced_model"], call["response_model"]] if name == "model" else [own.get(name)]
        if name in table and not any(
            each is not None and fnmatchcase(each.lower(), table[name].lower()) for each in names
        ):
            return False
    return True


def _price(name: str, taking: Sequence[Table], public: Fraction | None, tier: str) -> Fraction | None:
    offers = [(table, price) for table in taking if (price := _offered(name, table, public, tier)) is not None]
    return max(offers, key=lambda offer: _specific(offer[0]))[1] if offers else public


def _offered(name: str, table: Table, public: Fraction | None, tier: str) -> Fraction | None:
    if "prices" in table:
        if tier != "standard" and "tier" not in table:
            return None
        source: str | None = name
        while source is not None and source not in table["prices"]:
            source = PARENTS.get(source)
        return None if source is None else Fraction(table["prices"][source]) / 1_000_000
    if "usage" in table and name not in table["usage"]:
        return None
    multiplier = Fraction(table["multiplier"])
    return multiplier if multiplier == 0 else None if public is None else public * multiplier


def _specific(table: Table) -> tuple[int, int, int]:
    patterns = [table[name] for name in NAMED if name in table]
    named = len(patterns) + ("usage" in table or "prices" in table)
    exact = sum("*" not in pattern for pattern in patterns)
    return named, exact, sum(len(pattern.replace("*", "")) for pattern in patterns)


def _rounded(amount: Fraction) -> Decimal:
    exact = Context(prec=60).divide(Decimal(amount.numerator), Decimal(amount.denominator))
    return exact.quantize(Decimal("1e-12"), rounding=ROUND_HALF_UP, context=Context(prec=60))
