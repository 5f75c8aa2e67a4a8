"""What genai-prices itself says a call costs, class by class: the slow and obvious answer that the SQL must equal.

Nothing here uses Meter's own compilation of prices. A class's charge is what `calc_price` says of that class alone, with the
tier fixed by the whole call's input (through genai-prices' own `calc_unit_price`), rounded once, half up, to 12 decimals.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

from genai_prices.data_snapshot import get_snapshot
from genai_prices.data_units import unit_data
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
    Usage,
    calc_unit_price,
)
from genai_prices.units import UnitRegistry

from meter.names import CLASSES, UsageClass

REGISTRY = UnitRegistry(unit_data)
KNOWN = {usage_class.name: usage_class for usage_class in CLASSES}
KEYS = {
    name: usage_class.registry_key or f"{usage_class.side}_tokens"
    for name, usage_class in KNOWN.items()
    if usage_class.registry_key or usage_class.side
}
STRICT = ("service_tier", "processing", "speed")
EARLIEST = datetime(2023, 1, 1, tzinfo=timezone.utc)
LATEST = datetime(2027, 6, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Case:
    """One call: a model, a moment, the conditions, the usage."""

    provider: Provider
    model: ModelInfo
    moment: datetime
    when: Mapping[str, str]
    usage: Mapping[str, Decimal]


def total_input(usage: Mapping[str, Decimal]) -> Decimal:
    """Return the whole input, cache included."""
    return sum((count for name, count in usage.items() if KNOWN[name].side == "input"), Decimal(0))


def is_named(case: Case) -> bool:
    """Tell whether the catalogue has a price for the case's conditions at its moment; for none, it always has."""
    variants = case.model.price_variants or ()
    return not case.when or any(
        variant.when == case.when and (variant.constraint is None or variant.constraint.active(case.moment))
        for variant in variants
    )


def charges(case: Case) -> dict[str, Decimal | None]:
    """Return the charge of each class that was used; None where the model has no price for it."""
    prices = case.model.get_prices(case.moment, dict(case.when))
    flat = _flat(prices, total_input(case.usage))
    if not flat and not case.model.deprecated:
        flat = {"input_mtok": Decimal(0), "output_mtok": Decimal(0)}  # sold for nothing
    return {name: _charge(case, flat, name, count) for name, count in _billed(case.usage, flat).items()}


def whole(case: Case) -> tuple[Decimal, Decimal]:
    """Return what `calc_price` says of the whole call, and the sum of what it says of each class alone, both unrounded."""
    with localcontext(Context(prec=60)):
        prices = case.model.get_prices(case.moment, dict(case.when))
        flat = _flat(prices, total_input(case.usage))
        said = case.model.calc_price(
            _usage(case.usage),
            case.provider,
            genai_request_timestamp=case.moment,
            price_context=dict(case.when) or None,
        )
        parts = (_alone(case, flat, name, count) for name, count in _billed(case.usage, flat).items())
        return said.total_price, sum((part for part in parts if part is not None), Decimal(0))


def _flat(prices: ModelPrice, total: Decimal) -> dict[str, Decimal]:
    """Return the prices with each tier resolved for this much input."""
    listed = {key: price for key, price in vars(prices).items() if price is not None}
    return {
        key: calc_unit_price(price, 1, total, 1) if isinstance(price, TieredPrices) else price
        for key, price in listed.items()
    }


def _billed(usage: Mapping[str, Decimal], flat: Mapping[str, Decimal]) -> dict[str, Decimal]:
    fee = {"requests": Decimal(1)} if "requests_kcount" in flat else {}
    return fee | dict(usage)


def _charge(case: Case, flat: Mapping[str, Decimal], name: str, count: Decimal) -> Decimal | None:
    with localcontext(Context(prec=60)):
        exact = _alone(case, flat, name, count)
        return None if exact is None else exact.quantize(Decimal("1e-12"), rounding=ROUND_HALF_UP)


def _alone(case: Case, flat: Mapping[str, Decimal], name: str, count: Decimal) -> Decimal | None:
    if name not in KEYS or not _is_priced(KEYS[name], flat):
        return None
    if name == "requests":
        return flat["requests_kcount"] * count / 1000
    fees_aside = ModelPrice(**{key: price for key, price in flat.items() if key != "requests_kcount"})
    model = replace(case.model, prices=fees_aside, price_variants=None)
    said = model.calc_price(_usage({name: count}), case.provider, genai_request_timestamp=case.moment)
    return said.total_price


def _is_priced(key: str, flat: Mapping[str, Decimal]) -> bool:
    dimensions = REGISTRY.units[key].dimensions.items()
    return any(REGISTRY.unit_for_price_key(price).dimensions.items() <= dimensions for price in flat)


def _usage(usage: Mapping[str, Decimal]) -> Usage:
    """Return genai-prices' usage: a unit's count includes those of all more special units."""
    counts = {}
    for key, unit in REGISTRY.units.items():
        inside = [
            count
            for name, count in usage.items()
            if name in KEYS and unit.dimensions.items() <= REGISTRY.units[KEYS[name]].dimensions.items()
        ]
        if key != "requests":
            counts[key] = sum(inside, Decimal(0))
    return Usage(**counts)


def listed() -> list[tuple[Provider, ModelInfo]]:
    """Return every model of the catalogue, with its provider."""
    return [(provider, model) for provider in get_snapshot().providers for model in provider.models]


def cases(models: Iterable[tuple[Provider, ModelInfo]], randoms: int, rng: random.Random) -> Iterator[Case]:
    """Yield, for each model, moments on both sides of each of its changes, all conditions, all boundaries, random usages."""
    for provider, model in models:
        for when in conditions(model):
            for moment in moments(model, rng):
                for usage in usages(model, moment, when, randoms, rng):
                    yield Case(provider, model, moment, when, usage)


def conditions(model: ModelInfo) -> list[dict[str, str]]:
    """Return no conditions, and each set of them that the catalogue names for the model."""
    named = {tuple(sorted(variant.when.items())) for variant in model.price_variants or ()}
    return [{}, *(dict(when) for when in sorted(named))]


def moments(model: ModelInfo, rng: random.Random) -> list[datetime]:
    """Return a random moment, and the last and the first microsecond around each change."""
    conditional = model.prices if isinstance(model.prices, list) else []
    constraints = [entry.constraint for entry in (*conditional, *(model.price_variants or ()))]
    found = {EARLIEST + timedelta(microseconds=rng.randrange((LATEST - EARLIEST) // timedelta(microseconds=1)))}
    for constraint in constraints:
        if isinstance(constraint, StartDateConstraint):
            change = datetime.combine(constraint.start_date, time(), timezone.utc)
            found |= {change, change - timedelta(microseconds=1)}
        elif isinstance(constraint, TimeOfDateConstraint):
            day = EARLIEST + timedelta(days=rng.randrange(1500))
            for at in (constraint.start_time, constraint.end_time):
                change = datetime.combine(day.date(), at)
                found |= {change, change - timedelta(microseconds=1)}
    return sorted(found)


def usages(
    model: ModelInfo, moment: datetime, when: Mapping[str, str], randoms: int, rng: random.Random
) -> Iterator[dict[str, Decimal]]:
    """Yield the inputs on both sides of each boundary, and random usages of all classes, some of them enormous."""
    prices = vars(model.get_prices(moment, dict(when))).values()
    for start in sorted({tier.start for price in prices if isinstance(price, TieredPrices) for tier in price.tiers}):
        for total in (start, start + 1):
            cached = rng.randrange(total)
            yield _counts(input=total - cached, cache_read=cached, output=rng.randrange(10_000))
            yield _counts(input=total)
    for _ in range(randoms):
        yield {usage_class.name: _count(usage_class, rng) for usage_class in _some_classes(rng)}


def _counts(**counts: int) -> dict[str, Decimal]:
    return {name: Decimal(count) for name, count in counts.items()}


USUAL = ("input", "output", "cache_read", "reasoning", "cache_write_5m", "web_searches", "audio_seconds")


def _some_classes(rng: random.Random) -> list[UsageClass]:
    usual = [KNOWN[name] for name in USUAL if rng.random() < 0.6]
    rare = rng.sample([known for known in CLASSES if known.name not in USUAL], rng.randrange(4))
    return [*usual, *rare] or [KNOWN["input"]]


def _count(usage_class: UsageClass, rng: random.Random) -> Decimal:
    if rng.random() < 0.05:
        return Decimal(rng.choice((0, 1, 10**10)))
    if usage_class.unit == "second" or rng.random() < 0.02:
        return Decimal(rng.randrange(10 ** rng.randrange(3, 11))).scaleb(-6)
    return Decimal(rng.randrange(10 ** rng.randrange(1, 8)))
