"""Compile genai-prices' catalogue into offers, rate cards and rates. Pure: no ledger, no clock, no network.

An offer is one model under one set of conditions (none, or `processing=batch`, `service_tier=flex`, …). A card is what an offer
costs in one window of time and one band of total input; its rates are the unit prices by usage class. Cards of an offer never
overlap. The standard offer has no gap; an offer with conditions has one where the catalogue does not name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ModelInfo, PriceVariant, Provider, TieredPrices

from meter.errors import CatalogueInvalid
from meter.pricing import following, reading
from meter.pricing.conditions import Conditions, is_standard
from meter.pricing.periods import Window, windows
from meter.pricing.units import REGISTRY, Rate, is_storable, rates

MINIMUMS: Mapping[tuple[str, str], Mapping[str, Decimal]] = {
    ("groq", model): dict.fromkeys(("audio_seconds", "input_audio_seconds", "output_audio_seconds"), Decimal(10))
    for model in ("whisper-large-v3", "whisper-large-v3-turbo")
}
"""Least billed quantity by provider and model, as `calc_price` applies it."""


@dataclass(frozen=True)
class Band:
    """Calls whose total input is above `over` and at most `up_to`; None is without bound."""

    over: int | None
    up_to: int | None


@dataclass(frozen=True)
class Card:
    """What an offer costs in one window and one band."""

    window: Window
    band: Band
    rates: tuple[Rate, ...]


@dataclass(frozen=True)
class Offer:
    """One model under one set of conditions, with its cards."""

    provider: str
    model: str
    conditions: Conditions
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class PricedModel:
    """Everything the catalogue says of one model."""

    provider: str
    model: str
    url: str | None
    offers: tuple[Offer, ...]


_Prices = Mapping[str, Decimal | TieredPrices]
_FREE: _Prices = {"input_tokens": Decimal(0), "output_tokens": Decimal(0)}
"""What an empty list of prices means, where the model is still sold: the catalogue writes down no zeros."""

_Banded = tuple[tuple[Band, tuple[Rate, ...]], ...]
_Span = list[tuple[Window, _Banded]]


def snapshot() -> DataSnapshot:
    """Return the catalogue in force with its matchers of providers and models."""
    text = following.held()
    return get_snapshot() if text is None else _snapshot_of(text)


@lru_cache(maxsize=1)
def _snapshot_of(text: following.Text) -> DataSnapshot:
    return DataSnapshot(reading.providers(text), from_auto_update=False)


def checked(text: following.Text) -> following.Text:
    """Return the text whose every model was compiled. Raises CatalogueInvalid, with the place."""
    for _ in compiled(text):
        pass
    return text


def compiled(text: following.Text | None = None) -> Iterator[PricedModel]:
    """Yield every model of a catalogue: of a text, or of the installed one. Raises CatalogueInvalid, with the place."""
    listed = get_snapshot() if text is None else _snapshot_of(text)
    for provider in listed.providers:
        yield from (_priced(provider, model) for model in provider.models)


def _priced(provider: Provider, model: ModelInfo) -> PricedModel:
    url = next(iter(provider.pricing_urls or ()), None)
    try:
        return PricedModel(provider.id, model.id, url, tuple(_offers(provider, model)))
    except (ArithmeticError, LookupError, ValueError) as error:
        raise CatalogueInvalid(
            f"{provider.id}/{model.id}: its prices cannot be read: {error}", hint=reading.SHAPE
        ) from error


def _offers(provider: Provider, model: ModelInfo) -> Iterator[Offer]:
    minimums = MINIMUMS.get((provider.id, model.id), {})
    standard = _cards(model, frozenset(), minimums)
    yield Offer(provider.id, model.id, frozenset(), standard)
    for conditions in dict.fromkeys(frozenset(variant.when.items()) for variant in model.price_variants or ()):
        cards = _cards(model, conditions, minimums)
        if cards and not (cards == standard and is_standard(conditions)):
            yield Offer(provider.id, model.id, conditions, cards)


def _cards(model: ModelInfo, conditions: Conditions, minimums: Mapping[str, Decimal]) -> tuple[Card, ...]:
    spans = []
    for span in windows(model):
        parts = [(window, _prices_at(model, conditions, window)) for window in span]
        spans.append([(window, _banded(prices, minimums)) for window, prices in parts if prices is not None])
    return tuple(
        Card(window, band, band_rates)
        for span in _merged(_merged_day(span) for span in spans)
        for window, bands in span
        for band, band_rates in bands
    )


def _prices_at(model: ModelInfo, conditions: Conditions, window: Window) -> _Prices | None:
    """Return the prices inside the window by registry key; None when no variant in force there names these conditions."""
    moment = window.moment

    def names(variant: PriceVariant) -> bool:
        return variant.when.items() <= dict(conditions).items() and (
            variant.constraint is None or variant.constraint.active(moment)
        )

    named = frozenset(pair for variant in model.price_variants or () if names(variant) for pair in variant.when.items())
    if named != conditions:
        return None
    listed = vars(model.get_prices(moment, dict(conditions)))
    prices = {REGISTRY.unit_for_price_key(key).usage_key: price for key, price in listed.items() if price is not None}
    return prices if prices or model.deprecated else _FREE


def _banded(prices: _Prices, minimums: Mapping[str, Decimal]) -> _Banded:
    """Split prices at every input length where one of them changes: the tier holds for the whole call."""
    tiered = (price for price in prices.values() if isinstance(price, TieredPrices))
    starts = sorted({tier.start for price in tiered for tier in price.tiers})
    return tuple(
        (Band(over, up_to), _rates_over(prices, over, minimums)) for over, up_to in pairwise([None, *starts, None])
    )


def _rates_over(prices: _Prices, over: int | None, minimums: Mapping[str, Decimal]) -> tuple[Rate, ...]:
    flat = {key: _price_over(price, over) for key, price in prices.items()}
    return tuple(rate for rate in rates(flat, minimums) if is_storable(rate))


def _price_over(price: Decimal | TieredPrices, over: int | None) -> Decimal:
    """Return the price of a call whose total input is just above `over`."""
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if over is not None and tier.start <= over]
    return reached[-1] if reached else price.base


def _merged_day(span: _Span) -> _Span:
    """Join neighbouring parts of the day with the same prices."""
    merged: _Span = []
    for window, bands in span:
        last = merged[-1] if merged else None
        if last and last[1] == bands and last[0].day_to_s == window.day_from_s:
            whole = Window(window.valid_from, window.valid_to, last[0].day_from_s, window.day_to_s)
            merged[-1] = (whole, bands)
        else:
            merged.append((window, bands))
    return merged


def _merged(spans: Iterable[_Span]) -> Iterator[_Span]:
    """Join neighbouring spans of days with the same prices: a card starts where a price changes."""
    pending: _Span = []
    for span in spans:
        if pending and _content(pending) == _content(span):
            valid_to = span[0][0].valid_to
            pending = [
                (Window(window.valid_from, valid_to, window.day_from_s, window.day_to_s), bands)
                for window, bands in pending
            ]
        else:
            yield pending
            pending = span
    yield pending


def _content(span: _Span) -> list[tuple[int, int, _Banded]]:
    return [(window.day_from_s, window.day_to_s, bands) for window, bands in span]
