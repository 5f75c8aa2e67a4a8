"""What can be wrong with a catalogue's text: each rule yields the place (provider/model) and the fault."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from meter.pricing.units import REGISTRY

CURRENCY = "USD"
"""genai-prices states every price in US dollars."""
LARGEST_PRICE = Decimal(100)
"""Of one unit: a token, a second, a search. What is beyond has slipped by some digits."""

Fault = tuple[str, str]


class Object(dict[str, Any]):
    """A JSON object that remembers the names that stand in it twice: the last of two prices would win without a word."""

    twice: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> Object:
        """Make an object of a reader's pairs."""
        found = cls(pairs)
        if len(found) < len(pairs):
            found.twice = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        return found


def faults(raw: Any) -> Iterator[Fault]:
    """Yield what is wrong, in the order of the file."""
    if not isinstance(raw, list):
        yield "", f"a catalogue is a list of providers, and this is {_kind(raw)}"
        return
    if not raw:
        yield "", "the list of providers is empty"
    for number, provider in enumerate(raw, 1):
        yield from _of_provider(provider, number)
    yield from _twice("", "provider", raw)


def _of_provider(provider: Any, number: int) -> Iterator[Fault]:
    name = provider.get("id") if isinstance(provider, dict) else None
    if not isinstance(name, str) or not name:
        yield f"provider {number}", "it has no id"
        return
    models = provider.get("models")
    if not isinstance(models, list):
        yield name, f"models is not a list but {_kind(models)}"
        return
    for place, model in enumerate(models, 1):
        if isinstance(model, dict) and isinstance(model.get("id"), str) and model["id"]:
            yield from _of_model(f"{name}/{model['id']}", model)
        else:
            yield f"{name}, model {place}", "it has no id"
    yield from _twice(name, "model", models)
    yield from ((name, fault) for fault in _everywhere({key: provider[key] for key in provider if key != "models"}))
    yield from ((name, fault) for fault in _patterns(provider.get("api_pattern")))


def _twice(place: str, noun: str, entries: Iterable[Any]) -> Iterator[Fault]:
    seen: dict[str, Any] = {}
    for entry in entries:
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str) and name in seen:
            contents = [
                {key: old.get(key) for key in ("prices", "price_variants", "models")} for old in (seen[name], entry)
            ]
            differ = "with different prices" if contents[0] != contents[1] else "with the same prices"
            yield "/".join(filter(None, [place, name])), f"the {noun} stands twice, {differ}"
        elif isinstance(name, str):
            seen[name] = entry


def _of_model(place: str, model: dict[str, Any]) -> Iterator[Fault]:
    for fault in (*_everywhere(model), *_of_entries(model)):
        yield place, fault


def _everywhere(value: Any) -> Iterator[str]:
    """Yield faults that can stand at any depth: another currency, a name twice, a pattern that is none."""
    if isinstance(value, Object) and value.twice:
        yield f"{value.twice[0]!r} stands twice in one object"
    if isinstance(value, dict):
        if value.get("currency", CURRENCY) != CURRENCY:
            yield f"the prices are in {value['currency']!r}, and only {CURRENCY} is known of a catalogue"
        yield from _patterns(value.get("regex"))
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _everywhere(item)


def _patterns(pattern: Any) -> Iterator[str]:
    if isinstance(pattern, str):
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"{pattern!r} is no regular expression: {error}"


def _of_entries(model: dict[str, Any]) -> Iterator[str]:
    if "prices" not in model:
        yield "it has no prices"
        return
    listed = model["prices"] if isinstance(model["prices"], list) else [model]
    variants = model.get("price_variants") or ()
    if not listed or not isinstance(variants, list | tuple):
        yield "prices are an empty list" if not listed else f"price_variants are not a list but {_kind(variants)}"
        return
    for entry in (*listed, *variants):
        prices = entry.get("prices") if isinstance(entry, dict) else entry
        if not isinstance(prices, dict):
            yield f"prices are not an object but {_kind(prices)}"
            continue
        for key, price in prices.items():
            if key != "currency":
                yield from (f"{key} {fault}" for fault in _of_price(key, price))


def _of_price(key: str, price: Any) -> Iterator[str]:
    try:
        largest = LARGEST_PRICE * REGISTRY.unit_for_price_key(key).per
    except KeyError:
        yield "is no unit that the installed genai-prices knows: upgrade it, or mend the name"
        return
    if price is None:
        return
    if not isinstance(price, dict):
        yield from _of_amount(price, largest)
        return
    yield from (f"base {fault}" for fault in _of_amount(price.get("base"), largest))
    tiers = price.get("tiers")
    if not isinstance(tiers, list) or not all(isinstance(tier, dict) for tier in tiers):
        yield f"has no list of tiers but {_kind(tiers)}"
        return
    yield from (f"tier {fault}" for tier in tiers for fault in _of_amount(tier.get("price"), largest))
    starts = [tier.get("start") for tier in tiers]
    if not all(type(start) is int and start >= 0 for start in starts):
        yield f"has a tier that starts at {next(s for s in starts if type(s) is not int or s < 0)!r}, not at a whole number"
    elif starts != sorted(set(starts)):
        yield f"has tiers that do not follow one another: {', '.join(map(str, starts))}"


def _of_amount(price: Any, largest: Decimal) -> Iterator[str]:
    try:
        amount = Decimal(price) if isinstance(price, int | str | Decimal) and not isinstance(price, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        yield f"is {_shown(price)}, which is no number"
    elif amount < 0:
        yield f"is {_shown(price)}: a price is 0 or more"
    elif amount > largest:
        yield f"is {_shown(price)}: a price above {largest:,} cannot be right"


def _shown(price: Any) -> str:
    return f"{price}" if isinstance(price, int | Decimal) and not isinstance(price, bool) else repr(price)[:60]


def _kind(value: Any) -> str:
    if value is None:
        return "missing"
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return next((noun for kind, noun in kinds.items() if isinstance(value, kind)), "a number")
