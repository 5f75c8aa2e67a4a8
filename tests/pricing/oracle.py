"""What genai-prices itself says a call costs, class by class: the slow and obvious answer that the SQL must equal.

Nothing here uses Meter's own compilation of prices. A class's charge is what `calc_price` says of that class alone, with the
tier fixed by the whole call's input (through genai-prices' own `calc_unit_price`), rounded once, half up, to 12 decimals. For
each call `calc_price` is asked of the whole usage, too: the charges before rounding are exactly what it says.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from itertools import pairwise

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
INPUTS = frozenset(name for name, usage_class in KNOWN.items() if usage_class.side == "input")
_ZERO = Decimal(0)
_INCLUDED_IN = {
    name: [
        unit_key
        for unit_key, unit in REGISTRY.units.items()
        if unit_key != "requests" and unit.dimensions.items() <= REGISTRY.units[key].dimensions.items()
    ]
    for name, key in KEYS.items()
}
MICROSECOND = timedelta(microseconds=1)
EARLIEST = datetime(2023, 1, 1, tzinfo=timezone.utc)
LATEST = datetime(2027, 6, 1, tzinfo=timezone.utc)


EXACT = Context(prec=60)
TWELVE = Decimal("1e-12")


class Quote:
    """What a model costs at a moment under some conditions, as genai-prices says."""

    def __init__(self, provider: Provider, model: ModelInfo, moment: datetime, when: Mapping[str, str]) -> None:
        self.provider, self.model, self.moment, self.when = provider, model, moment, when
        self.prices = model.get_prices(moment, dict(when))
        self.starts = sorted({tier.start for price in self._tiered() for tier in price.tiers})
        self.priced = _units_of(self.prices)
        self._flats: dict[int, Flat] = {}

    @property
    def is_named(self) -> bool:
        """Tell whether the catalogue has a price for these conditions at this moment; for none, it always has."""
        variants = self.model.price_variants or ()
        return not self.when or any(
            variant.when == self.when and (variant.constraint is None or variant.constraint.active(self.moment))
            for variant in variants
        )

    def flat(self, total: Decimal) -> Flat:
        """Return the prices with each tier resolved for this much input, by genai-prices' own `calc_unit_price`."""
        band = bisect_left(self.starts, total)
        if band not in self._flats:
            listed = {key: price for key, price in vars(self.prices).items() if price is not None}
            flat = {
                key: calc_unit_price(price, 1, total, 1) if isinstance(price, TieredPrices) else price
                for key, price in listed.items()
            }
            same = self.provider.id, self.model.id, tuple(flat.items())
            self._flats[band] = _FLATS.setdefault(same, Flat(self, flat))
        return self._flats[band]

    def whole(self, usage: Mapping[str, Decimal]) -> Decimal:
        """Return what `calc_price` says of a whole call, unrounded."""
        said = self.model.calc_price(
            as_usage(usage, self.priced),
            self.provider,
            genai_request_timestamp=self.moment,
            price_context=dict(self.when) or None,
        )
        return said.total_price

    def _tiered(self) -> Iterator[TieredPrices]:
        return (price for price in vars(self.prices).values() if isinstance(price, TieredPrices))


class Flat:
    """Prices without tiers, and what `calc_price` says of one class at a time."""

    def __init__(self, quote: Quote, listed: Mapping[str, Decimal]) -> None:
        self.quote = quote
        self.fee = listed.get("requests_kcount")
        self.is_free = not listed and not quote.model.deprecated  # sold for nothing
        self.listed = {"input_mtok": Decimal(0), "output_mtok": Decimal(0)} if self.is_free else dict(listed)
        fees_aside = ModelPrice(**{key: price for key, price in self.listed.items() if key != "requests_kcount"})
        self._model = replace(quote.model, prices=fees_aside, price_variants=None)
        self._priced = _units_of(fees_aside)
        self._known: dict[str, Decimal | None] = {}
        self._linear: dict[str, bool] = {}

    def alone(self, name: str, count: Decimal) -> Decimal | None:
        """Return the charge of one class, unrounded; None where the model has no price for it.

        What `calc_price` says of as many units as the price is stated for says all, unless it is not in proportion.
        """
        if name not in KEYS or not self._is_priced(name):
            return None
        per = REGISTRY.units[KEYS[name]].per
        if name == "requests":
            return self.listed["requests_kcount"] * count / 1000
        if name not in self._known:
            once = self._known[name] = self._said(name, Decimal(per))
            self._linear[name] = all(self._said(name, Decimal(few)) * per == once * few for few in (1, 3))
        said = self._known[name]
        assert said is not None
        return said * count / per if self._linear[name] else self._said(name, count)

    def billed(self, usage: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        """Return the usage with the one request that is charged per call."""
        return usage if self.fee is None else {"requests": Decimal(1)} | dict(usage)

    def adds_up(self, names: Iterable[str]) -> bool:
        """Tell whether the classes' charges make the call's: a least quantity holds for a class here, and there for the sum."""
        return sum(not self._linear.get(name, True) for name in names) < 2

    def _said(self, name: str, count: Decimal) -> Decimal:
        moment = self.quote.moment
        return self._model.calc_price(
            as_usage({name: count}, self._priced), self.quote.provider, genai_request_timestamp=moment
        ).total_price

    def _is_priced(self, name: str) -> bool:
        dimensions = REGISTRY.units[KEYS[name]].dimensions.items()
        return any(REGISTRY.unit_for_price_key(price).dimensions.items() <= dimensions for price in self.listed)


_FLATS: dict[tuple[object, ...], Flat] = {}
"""What was asked of `calc_price` about the same prices is not asked again at another moment."""


def _units_of(prices: ModelPrice) -> list[str]:
    keys = (key for key, price in vars(prices).items() if price is not None)
    return [unit.usage_key for unit in map(REGISTRY.unit_for_price_key, keys) if unit.usage_key != "requests"]


@dataclass(frozen=True)
class Case:
    """One call: a model at a moment under some conditions, and the usage."""

    quote: Quote
    usage: Mapping[str, Decimal]

    def __str__(self) -> str:
        quote = self.quote
        return f"{quote.provider.id}/{quote.model.id} at {quote.moment} under {dict(quote.when)}: {dict(self.usage)}"


def total_input(usage: Mapping[str, Decimal]) -> Decimal:
    """Return the whole input, cache included."""
    return sum((count for name, count in usage.items() if name in INPUTS), Decimal(0))


def charges(case: Case) -> dict[str, Decimal | None]:
    """Return the charge of each class that was used, rounded; None where the model has no price for it.

    Unrounded they must add up to what `calc_price` says of the whole call: it is asked for each call.
    """
    flat = case.quote.flat(total_input(case.usage))
    with localcontext(EXACT):
        parts = {name: flat.alone(name, count) for name, count in flat.billed(case.usage).items()}
        if not flat.is_free and flat.adds_up(parts):
            fee = (flat.fee or 0) / Decimal(1000)  # of one request, whatever the usage says of them
            others = sum((part for name, part in parts.items() if part is not None and name != "requests"), fee)
            assert abs(case.quote.whole(case.usage) - others) < Decimal("1e-40"), str(case)
        return {
            name: None if part is None else part.quantize(TWELVE, rounding=ROUND_HALF_UP)
            for name, part in parts.items()
        }


def as_usage(usage: Mapping[str, Decimal], priced: Iterable[str]) -> Usage:
    """Return genai-prices' usage: a unit's count includes those of all more special units.

    What was not used is named only where the model has a price for it: each name costs time.
    """
    counts = dict.fromkeys(priced, _ZERO)
    for name, count in usage.items():
        for key in _INCLUDED_IN.get(name, ()):
            counts[key] = counts.get(key, _ZERO) + count
    return Usage(**counts)


def listed() -> list[tuple[Provider, ModelInfo]]:
    """Return every model of the catalogue, with its provider."""
    return [(provider, model) for provider in get_snapshot().providers for model in provider.models]


def cases(models: Iterable[tuple[Provider, ModelInfo]], randoms: int, rng: random.Random) -> Iterator[Case]:
    """Yield, for each model, conditions and segment between two changes of date: all boundaries, and random usages.

    The usages are spread over the segment's moments: its first and last microsecond, those around each hour at which a price
    changes, and one at random.
    """
    for provider, model in models:
        for when in conditions(model):
            for moments in segments(model, rng):
                quotes = [Quote(provider, model, moment, when) for moment in moments]
                yield from (Case(quote, usage) for quote in quotes for usage in boundaries(quote, rng))
                yield from (Case(quotes[number % len(quotes)], random_usage(rng)) for number in range(randoms))


def conditions(model: ModelInfo) -> list[dict[str, str]]:
    """Return no conditions, and each set of them that the catalogue names for the model."""
    named = {tuple(sorted(variant.when.items())) for variant in model.price_variants or ()}
    return [{}, *(dict(when) for when in sorted(named))]


def segments(model: ModelInfo, rng: random.Random) -> Iterator[list[datetime]]:
    """Yield the moments to ask about in each segment between two dates on which a price changes."""
    conditional = model.prices if isinstance(model.prices, list) else []
    constraints = [entry.constraint for entry in (*conditional, *(model.price_variants or ()))]
    days = sorted({c.start_date for c in constraints if isinstance(c, StartDateConstraint)})
    hours = {at for c in constraints if isinstance(c, TimeOfDateConstraint) for at in (c.start_time, c.end_time)}
    changes = [datetime.combine(day, time(), timezone.utc) for day in days]
    for start, end in pairwise(
        [EARLIEST, *changes, max([LATEST, *(change + timedelta(days=9) for change in changes)])]
    ):
        length = (end - start) // MICROSECOND
        found = {start, end - MICROSECOND, start + MICROSECOND * rng.randrange(length)}
        day = (start + MICROSECOND * rng.randrange(length)).date()
        for at in sorted(hours, key=str):
            change = datetime.combine(day, at, at.tzinfo or timezone.utc)
            found |= {moment for moment in (change, change - MICROSECOND) if start <= moment < end}
        yield sorted(found)


def boundaries(quote: Quote, rng: random.Random) -> Iterator[dict[str, Decimal]]:
    """Yield inputs of exactly a tier's start, and of one more: with the cache, and without."""
    for start in quote.starts:
        for total in (start, start + 1):
            cached = rng.randrange(total)
            yield _counts(input=total - cached, cache_read=cached, output=rng.randrange(10_000))
            yield _counts(input=total)


def random_usage(rng: random.Random) -> dict[str, Decimal]:
    """Return a usage of any classes, now and then enormous."""
    return {usage_class.name: _count(usage_class, rng) for usage_class in _some_classes(rng)}


def _counts(**counts: int) -> dict[str, Decimal]:
    return {name: Decimal(count) for name, count in counts.items()}


USUAL = ("input", "output", "cache_read", "reasoning", "cache_write_5m", "web_searches", "audio_seconds")
RARE = [known for known in CLASSES if known.name not in USUAL]


def _some_classes(rng: random.Random) -> list[UsageClass]:
    usual = [KNOWN[name] for name in USUAL if rng.random() < 0.6]
    rare = rng.sample(RARE, rng.randrange(4))
    return [*usual, *rare] or [KNOWN["input"]]


def _count(usage_class: UsageClass, rng: random.Random) -> Decimal:
    if rng.random() < 0.05:
        return Decimal(rng.choice((0, 1, 10**10)))
    if usage_class.unit == "second" or rng.random() < 0.02:
        return Decimal(rng.randrange(10 ** rng.randrange(3, 11))).scaleb(-6)
    return Decimal(rng.randrange(10 ** rng.randrange(1, 8)))
