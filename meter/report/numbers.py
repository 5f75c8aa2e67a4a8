"""How figures look to people: money, shares, counts, sizes, ages. Machines get exact digits instead (`meter.exporters.rows`)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal

UNKNOWN = "–"
"""Stands for None: unknown is not zero."""

CENT = Decimal("0.01")
WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
"""Wide enough for any sum in the ledger: the default context would round at 28 digits."""


def money(value: Decimal | None, group: str = ",") -> str:
    """Return an amount with 2 decimals, or with 4 significant digits below a cent."""
    if value is None:
        return UNKNOWN
    if not value.is_finite():
        return str(value)
    if value and abs(value) < CENT:
        small = value.quantize(Decimal(1).scaleb(value.adjusted() - 3), context=WIDE)
        if abs(small) < CENT:
            return f"{small:f}".rstrip("0")
    rounded = value.quantize(CENT, context=WIDE)
    return f"{rounded:{group}f}"


def share(value: Decimal | float | None) -> str:
    """Return a share as a percentage; what is not nothing never reads as nothing, and what is not all never as all."""
    if value is None:
        return UNKNOWN
    percent = float(value) * 100
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.1f} %"


def count(value: float | Decimal | None, group: str = ",") -> str:
    """Return a quantity: grouped digits, and only the decimals that it has."""
    if value is None:
        return UNKNOWN
    if isinstance(value, int):
        return f"{value:{group}}"
    text = f"{value:{group}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def short(value: float | Decimal | None) -> str:
    """Return a quantity in three digits and a unit, where there is no room for all of it."""
    if value is None or abs(float(value)) < 10_000:
        return count(value)
    amount, units = Decimal(value), ["", "k", "M", "G", "T", "P"]
    while abs(amount) >= Decimal("999.5") and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.3g}{units[0]}" if abs(amount) < 100 else f"{amount:.0f}{units[0]}"


def size(value: float | None) -> str:
    """Return a number of bytes in the largest unit that leaves a whole part."""
    if value is None:
        return UNKNOWN
    amount, units = float(value), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"


AGES: Mapping[str, int] = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}


def age(seconds: float | None) -> str:
    """Return how long ago, in the largest unit that fits."""
    if seconds is None:
        return UNKNOWN
    for unit, length in AGES.items():
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "0 s"


def plural(number: int, noun: str) -> str:
    """Return the count with its noun: 1 call, 2,000 calls."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
