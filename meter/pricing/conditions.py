"""What a price depends on besides model, time and usage: service tier, batch, speed, route, region. Names are data.

The names that mean standard stand in conditions.toml. A tier that is not standard needs a price of its own: without one the
call is unpriced, never standard.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from meter import settings

Conditions = frozenset[tuple[str, str]]
STANDARD: Conditions = frozenset()


@dataclass(frozen=True)
class Rules:
    """conditions.toml."""

    strict: Mapping[str, tuple[str, ...]]
    tier_keys: tuple[str, ...]
    synonyms: Mapping[str, str]
    regions: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Asked:
    """What a call says about its conditions."""

    tier: str | None = None
    requested_tier: str | None = None
    region: str | None = None
    context: Mapping[str, str] | None = None


@lru_cache(maxsize=1)
def rules() -> Rules:
    """Read conditions.toml once."""
    data = settings.load_toml(Path(__file__).with_name("conditions.toml"))
    return Rules(
        strict={key: tuple(names) for key, names in data["strict"].items()},
        tier_keys=tuple(data["tier"]["keys"]),
        synonyms=data["tier"]["synonyms"],
        regions={provider: tuple(names) for provider, names in data["regions"].items()},
    )


def as_text(conditions: Conditions) -> str:
    """Write conditions as they stand in the ledger; the standard is the empty text."""
    return ",".join(f"{key}={value}" for key, value in sorted(conditions))


def from_text(text: str) -> Conditions:
    """Read what `as_text` wrote."""
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return frozenset((key, value) for key, _, value in pairs)


def strict_keys() -> frozenset[str]:
    """Return the keys whose conditions must have a price of their own."""
    return frozenset(rules().strict)


def is_standard(conditions: Conditions) -> bool:
    """Tell whether each condition may be left out where it changes no price."""
    strict = rules().strict
    return all(key not in strict or value in strict[key] for key, value in conditions)


def applicable(asked: Asked, provider: str, offers: Collection[Conditions]) -> Conditions:
    """Return the conditions under which the call must be priced, whether or not one of the model's offers has them."""
    named = frozenset(pair for conditions in offers for pair in conditions)
    return frozenset((*_tier(asked, named), *_context(asked, named), *_region(asked, provider)))


def tier_word(word: str) -> str:
    """Return what a tier is called here, whatever a provider calls it; `standard` for every name of the standard tier."""
    plain = _plain(word)
    return "standard" if plain in rules().strict[rules().tier_keys[0]] else plain


def tier_of(conditions: Conditions) -> str:
    """Return the tier that conditions name; `standard` where they name none."""
    named = dict(conditions)
    return next((named[key] for key in rules().tier_keys if key in named), "standard")


def needs(conditions: Conditions) -> frozenset[str]:
    """Return which of tier and region are not standard: a price that was not made for them does not hold."""
    keys = {key for key, _ in conditions}
    return frozenset({"tier"} if keys & set(rules().tier_keys) else ()) | (keys & {"region"})


def _tier(asked: Asked, named: Collection[tuple[str, str]]) -> Conditions:
    word = _plain(asked.tier or asked.requested_tier)
    keys = rules().tier_keys
    key = next((key for key in keys if (key, word) in named), None)
    if key is None:
        return STANDARD if not word or word in rules().strict[keys[0]] else frozenset({(keys[0], word)})
    return frozenset({(key, word)})


def _context(asked: Asked, named: Collection[tuple[str, str]]) -> Conditions:
    found = set()
    for key, value in (asked.context or {}).items():
        standard = rules().strict.get(key)
        word = value if standard is None else _plain(value)
        if (key, word) in named or (standard is not None and word and word not in standard):
            found.add((key, word))
    return frozenset(found)


def _region(asked: Asked, provider: str) -> Conditions:
    priced = rules().regions.get(provider)
    word = _plain(asked.region)
    return frozenset({("region", word)}) if priced and word and word not in priced else STANDARD


def _plain(word: str | None) -> str:
    word = (word or "").strip().lower()
    return rules().synonyms.get(word, word)
