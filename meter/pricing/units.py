"""Which price of a model applies to which usage class, and the unit prices that follow: division happens here, once.

genai-prices has a registry of units with dimensions (family, direction, modality, token type). A class without a price of its
own is priced as its nearest priced ancestor: the unit with the most dimensions among those whose dimensions it has too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from functools import lru_cache

from genai_prices.data_units import unit_data
from genai_prices.units import UnitDef, UnitRegistry

from meter.names import CLASSES

REGISTRY = UnitRegistry(unit_data)
PER_CALL = "requests"
"""The unit that a provider charges once per call, whether or not the response counts it."""

LARGEST_UNIT_PRICE = Decimal("999999.999999999999")
"""What DECIMAL(18,12) holds: enough for an image in rupiah. A charge that does not fit DECIMAL(26,12) is unknown."""
LARGEST_FINE_PRICE = Decimal("999.999999999999")
"""What DECIMAL(27,24) holds."""

_UNIT = Decimal("1e-12")
_FINE = Decimal("1e-24")
_EXACT = Context(prec=60)

_FIRST = ("input", "output", "cache_read", "reasoning", "cache_write_5m", "cache_write_1h", "cache_write")
"""A map is searched from its start: the classes that most calls have come first."""
_ROOTS = {"input": "input_tokens", "output": "output_tokens"}
_KEYS = {
    usage_class.name: usage_class.registry_key or _ROOTS[usage_class.side or ""]
    for usage_class in sorted(CLASSES, key=lambda known: (*_FIRST, known.name).index(known.name))
    if usage_class.registry_key or usage_class.side
}
"""The registry's unit of each usage class; a token class that the registry lacks stands below all input or all output."""
_CLASS_OF = {usage_class.registry_key: usage_class.name for usage_class in CLASSES if usage_class.registry_key}


@dataclass(frozen=True)
class Rate:
    """What one unit of a usage class costs under one rate card."""

    usage_class: str
    unit_price: Decimal
    fine_price: Decimal | None = None
    priced_as: str | None = None
    minimum: Decimal | None = None
    per_call: bool = False


def rates(prices: Mapping[str, Decimal], minimums: Mapping[str, Decimal]) -> tuple[Rate, ...]:
    """Turn a model's prices (by registry key, for the registry's number of units) into one rate for each class they price."""
    return tuple(
        _rate(usage_class, priced_key, prices[priced_key], minimums.get(_KEYS[usage_class]))
        for usage_class, priced_key in _assignments(frozenset(prices))
    )


def unit_price(price: Decimal, per: int) -> tuple[Decimal, Decimal | None]:
    """Divide a price by the units it stands for: (12 decimals, None), or with 24 decimals beside it where 12 do not do.

    The 24 are rounded up: at most 10¹⁰ units later the excess is below 10⁻¹⁴, too small to move a charge past the middle
    between two prices of 12 decimals, whereas a price rounded down would miss the exact middle, which rounds up.
    """
    exact = _EXACT.divide(price, Decimal(per))
    short = exact.quantize(_UNIT, context=_EXACT)
    if short == exact:
        return short, None
    return short, exact.quantize(_FINE, rounding=ROUND_CEILING, context=_EXACT)


def is_storable(rate: Rate) -> bool:
    """Tell whether a charge at this rate fits the ledger's decimals for every count that a call may have."""
    if rate.fine_price is not None:
        return rate.fine_price <= LARGEST_FINE_PRICE
    return rate.unit_price <= LARGEST_UNIT_PRICE


def nearest_class(usage_class: str, named: frozenset[str]) -> str | None:
    """Return the class of `named` whose price a class has: its own, else that of its nearest ancestor."""
    if usage_class in named or usage_class not in _KEYS:
        return usage_class if usage_class in named else None
    by_key = {_KEYS[name]: name for name in reversed(_KEYS) if name in named}  # of two with one key the first stays
    key = _nearest(REGISTRY.units[_KEYS[usage_class]], frozenset(by_key))
    return by_key[key] if key else None


def _rate(usage_class: str, priced_key: str, price: Decimal, minimum: Decimal | None) -> Rate:
    unit = REGISTRY.units[priced_key]
    short, fine = unit_price(price, unit.per)
    priced_class = _CLASS_OF.get(priced_key, priced_key)
    return Rate(
        usage_class=usage_class,
        unit_price=short,
        fine_price=fine,
        priced_as=None if priced_class == usage_class else priced_class,
        minimum=minimum,
        per_call=priced_key == PER_CALL,
    )


@lru_cache(maxsize=1024)
def _assignments(priced: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Pair each usage class with the registry key that prices it; a class that nothing prices is left out."""
    found = ((usage_class, _nearest(REGISTRY.units[key], priced)) for usage_class, key in _KEYS.items())
    return tuple((usage_class, key) for usage_class, key in found if key)


def _nearest(unit: UnitDef, priced: frozenset[str]) -> str | None:
    ancestors = (
        candidate
        for candidate in map(REGISTRY.units.__getitem__, priced)
        if candidate.dimensions.items() <= unit.dimensions.items()
    )
    nearest = max(ancestors, key=lambda candidate: len(candidate.dimensions), default=None)
    return nearest.usage_key if nearest else None
