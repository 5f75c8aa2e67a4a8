"""Models whose names come near one without a price: another spelling, a date, a vendor's prefix, a size, a version.

The price book is asked once for each new combination of names and conditions (answers.py), and what it could not answer is kept
here beside its nearest relatives. The view `unpriced` joins it: a price that is missing still has a likely size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from meter.names import provider_for
from meter.pricing import catalogue, following, reasons
from meter.pricing.matching import Match, developer, owner

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from genai_prices.types import Provider

MOST = 3
"""Relatives of one name: a bound is between the cheapest and the dearest of them."""
LEAST_LIKENESS = 0.6
"""Of the letters and digits of two names, below which they are not taken for relatives."""

Row = tuple[Any, ...]
Relative = dict[str, str]

_KEYS = (
    *("provider", "server", "account", "deployment", "response_model", "request_model"),
    *("tier", "requested_tier", "region", "price_context"),
)
"""What an ask consists of: the columns of unmatched.sql, in order."""
_BOOK = """
SELECT concat_ws('.', (SELECT max(edition) FROM ledger.catalogues), (SELECT max(edition) FROM ledger.configurations))
"""
_ANSWERED_BY = "SELECT min(book) FROM ledger.relatives"
_WITHOUT_PRICE = """
SELECT DISTINCT
    provider, server_address, asked_account(account), asked_deployment(deployment), response_model, request_model, service_tier,
    requested_tier, region, price_context(context::JSON::MAP(VARCHAR, VARCHAR))
FROM ledger.all_calls
WHERE price_status IN ('unpriced', 'partial')
"""
_STARTS = "SELECT offer_id, min(valid_from) FROM ledger.current_cards GROUP BY 1 HAVING count(*) = count(valid_from)"
_TYPES = """[{
    "provider": "VARCHAR", "server": "VARCHAR", "account": "VARCHAR", "deployment": "VARCHAR", "response_model": "VARCHAR",
    "request_model": "VARCHAR", "tier": "VARCHAR", "requested_tier": "VARCHAR", "region": "VARCHAR", "context": "VARCHAR",
    "reason": "VARCHAR", "priced_model": "VARCHAR", "offer": "VARCHAR", "starts_at": "TIMESTAMPTZ", "likely_alias": "VARCHAR",
    "relatives": [{"provider": "VARCHAR", "model": "VARCHAR", "title": "VARCHAR"}]
}]"""
_FORGET = f"""
DELETE FROM ledger.relatives
USING (SELECT answer.* FROM (SELECT unnest(from_json($rows, '{_TYPES}')) AS answer)) AS answered
WHERE {" AND ".join(f"relatives.{key} IS NOT DISTINCT FROM answered.{key}" for key in (*_KEYS[:-1], "context"))}
"""
_INSERT = f"""
INSERT INTO ledger.relatives BY NAME
SELECT $book AS book, answer.*
FROM (SELECT unnest(from_json($rows, '{_TYPES}')) AS answer)
"""


@dataclass(frozen=True)
class Answer:
    """What the price book said of an ask: the model, the conditions it must be priced under, and the offer that has them."""

    found: Match
    conditions: str
    offer_id: int | None


def learn(con: DuckDBPyConnection, asks: Iterable[Row], answer: Callable[[Row], Answer]) -> None:
    """Keep, of each ask (a row of unmatched.sql), why it has no price or when its price begins, and its nearest relatives.

    When the price book or the configuration is another than last time, every call without a price is asked about anew.
    """
    book = con.execute(_BOOK).fetchall()[0][0]
    asked = list(asks)
    if con.execute(_ANSWERED_BY).fetchall() != [(book,)]:
        con.execute("DELETE FROM ledger.relatives")
        asked += con.execute(_WITHOUT_PRICE).fetchall()
    starts = dict(con.execute(_STARTS).fetchall())
    rows = json.dumps([_row(ask, answer(ask), starts) for ask in dict.fromkeys(asked)], default=str)
    con.execute(_FORGET, {"rows": rows})
    con.execute(_INSERT, {"book": book, "rows": rows})


def _row(ask: Row, answer: Answer, starts: dict[int, Any]) -> dict[str, Any]:
    keys = dict(zip(_KEYS, ask, strict=True))
    pairs = json.loads(keys.pop("price_context") or "[]")
    found = answer.found
    names = [name for name in (keys["response_model"], keys["request_model"]) if name]
    known = found.price_model is not None
    lacking = reasons.no_offer(found, keys["provider"], answer.conditions) if known else None
    sought = (found.alias,) if found.alias else tuple(names)
    near = _itself(found) if known else nearest(found.price_provider, sought)
    return {
        **keys,
        "context": json.dumps({pair["key"]: pair["value"] for pair in pairs}),
        "reason": reasons.unknown(found, keys["provider"], names) or (lacking if answer.offer_id is None else None),
        "priced_model": found.price_model,
        "offer": lacking,
        "starts_at": starts.get(answer.offer_id or 0),
        "likely_alias": near[0]["model"] if near and not known else None,
        "relatives": near,
    }


def _itself(found: Match) -> list[Relative]:
    return [_relative(found.price_provider or "", found.price_model or "")]


def _relative(provider: str, model: str) -> Relative:
    return {"provider": provider, "model": model, "title": f"{provider_for(provider)}/{model}"}


@following.remembered
def _nearest(seller: str | None, name: str) -> tuple[tuple[str, str], ...]:
    """Return up to MOST models: of the seller, else of the developer; the very model alone, where it is only spelt otherwise."""
    for provider in _sellers(seller, name):
        if meant := _meant(provider, name):
            return (meant,)
    for provider in _sellers(seller, name):
        if found := _alike(provider, name):
            return found
    return ()


def nearest(seller: str | None, names: tuple[str, ...]) -> list[Relative]:
    """Return the nearest relatives of the first name that has any, nearest first; `seller` is genai-prices' id."""
    found = next(filter(None, (_nearest(seller, name) for name in names)), ())
    return [_relative(provider, model) for provider, model in found]


def _sellers(seller: str | None, name: str) -> Iterator[Provider]:
    """Yield the seller, then those that sell only what the model's developer makes."""
    providers = catalogue.snapshot().providers
    yield from (provider for provider in providers if provider.id == seller)
    if maker := developer("", name.lower()):
        yield from (provider for provider in providers if provider.id != seller and _maker(provider.id) == maker)


@lru_cache(maxsize=256)
def _maker(provider: str) -> str | None:
    """Return whose models a provider sells, where it sells its own only."""
    return developer(provider, "")


def _meant(provider: Provider, name: str) -> tuple[str, str] | None:
    """Find the model by the name without its decoration, then by its letters and digits alone."""
    providers = catalogue.snapshot().providers
    for spelling in dict.fromkeys((_undressed(name), plain(name))):
        if model := provider.find_model(spelling, all_providers=providers):
            return owner(model), model.id
    squeezed = _squeezed(name)
    return next(((provider.id, model.id) for model in provider.models if _squeezed(model.id) == squeezed), None)


def _alike(provider: Provider, name: str) -> tuple[tuple[str, str], ...]:
    words = _words(name)
    likeness = _likeness(name)
    family = [model.id for model in provider.models if words and words[0] in _words(model.id)]
    scored = [(_sizes(words) == _sizes(_words(model)), likeness(model), -len(model), model) for model in family]
    ranked = sorted((entry for entry in scored if entry[1] >= LEAST_LIKENESS), reverse=True)
    same_size = [entry for entry in ranked if entry[0]]
    return tuple((provider.id, model) for *_, model in (same_size or ranked)[:MOST])


_PREFIX = re.compile(r"^(?:.*/|(?:[a-z]+\.)+)(?=.)")
"""A vendor's or a path's: openai/, models/, us.anthropic."""
_SUFFIX = re.compile(
    r"""(?:
        [-_@:](?:latest|preview|exp|experimental|beta|free|batch|online|thinking|instruct|chat|stable|default)
        | [-_@]?\d{4}-\d{2}-\d{2} | [-_@]\d{8} | [-_@]\d{6} | [-_@](?:\d{2}-\d{2}|\d{4})
        | [-_@]v\d+(?::\d+)? | :\d+ | -0\d\d
    )$""",
    re.VERBOSE,
)
"""Of a date, a revision, or a word that names no other model."""
_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?b\b|\d+")
_SIZES = frozenset(
    (
        *("nano", "mini", "micro", "lite", "small", "medium", "large", "xl", "max", "pro", "plus", "ultra"),
        *("turbo", "fast", "flash", "instant", "haiku", "sonnet", "opus"),
    )
)


def _undressed(name: str) -> str:
    """Return the name without its vendor, and in lower case."""
    return _PREFIX.sub("", name.lower())


def plain(name: str) -> str:
    """Return the name without vendor, date, revision and the words that name no other model."""
    text = _undressed(name)
    while (shorter := _SUFFIX.sub("", text)) and shorter != text:
        text = shorter
    return text


@lru_cache(maxsize=8192)
def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", plain(name))


@lru_cache(maxsize=8192)
def _words(name: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(plain(name)))


@lru_cache(maxsize=8192)
def _sizes(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for word in words if word in _SIZES or re.fullmatch(r"\d.*b", word))


def _likeness(name: str) -> Callable[[str], float]:
    """Return what tells how alike a name is to this one; the first quick look spares most the exact one."""
    matcher = SequenceMatcher(None, "", _squeezed(name), autojunk=False)

    def likeness(other: str) -> float:
        matcher.set_seq1(_squeezed(other))
        return matcher.ratio() if matcher.quick_ratio() >= LEAST_LIKENESS else 0.0

    return likeness
