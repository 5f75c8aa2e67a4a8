"""Answer what calls ask of the price book: which model is it, which of its offers has the call's conditions, and under which
contracts is it?
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meter.names import provider_for
from meter.pricing import contracts, following, ratios, relatives
from meter.pricing.conditions import STANDARD, Asked, Conditions, applicable, as_text, from_text, needs, tier_of
from meter.pricing.contracts import cards
from meter.pricing.contracts.reading import Alias, Terms
from meter.pricing.contracts.rules import Contract, Names
from meter.pricing.matching import Match, match

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_OFFERS = """
SELECT provider, model, conditions, offer_id, bool_or(input_over IS NOT NULL)
FROM ledger.current_cards
GROUP BY ALL
"""
_NEXT_ID = "SELECT coalesce(max(match_id), 0) + 1 FROM ledger.model_matches"
_INSERT = """
INSERT INTO ledger.model_matches BY NAME
SELECT unnest(from_json($rows, '[{
    "match_id": "INTEGER", "provider": "VARCHAR", "server": "VARCHAR", "account": "VARCHAR", "deployment": "VARCHAR",
    "response_model": "VARCHAR", "request_model": "VARCHAR", "tier": "VARCHAR", "requested_tier": "VARCHAR",
    "region": "VARCHAR", "price_context": "VARCHAR", "offer_id": "INTEGER", "contract_offer_id": "INTEGER",
    "has_bands": "BOOLEAN", "priced_model": "VARCHAR", "model_developer": "VARCHAR", "token_family": "VARCHAR"
    }]'), recursive := true)
"""


@dataclass(frozen=True)
class Ask:
    """What a call says of itself that decides its price, usage and time aside."""

    provider: str | None
    server: str | None
    account: str | None
    deployment: str | None
    response_model: str | None
    request_model: str | None
    tier: str | None
    requested_tier: str | None
    region: str | None
    price_context: str | None

    @property
    def conditions(self) -> Asked:
        """The conditions, as the call states them."""
        pairs = json.loads(self.price_context or "[]")
        return Asked(self.tier, self.requested_tier, self.region, {pair["key"]: pair["value"] for pair in pairs})

    def found(self, aliases: Iterable[Alias] = ()) -> Match:
        """Return the model: the one that an alias stands for, else what the names say."""
        for name in filter(None, (self.deployment, self.response_model, self.request_model)):
            for alias in aliases:
                if alias.fits(name):
                    return self._meant(alias)
        return match(self.provider, self.server, self.response_model, self.request_model)

    def _meant(self, alias: Alias) -> Match:
        provider = alias.provider or self.provider
        return replace(match(provider, self.server, alias.model, None), alias=alias.model)


@dataclass(frozen=True)
class Offer:
    """What the price book calls an offer, and whether its price depends on the length of the input."""

    offer_id: int
    has_bands: bool


Offers = Mapping[Conditions, Offer]


@dataclass(frozen=True)
class Answer:
    """The model, the conditions to price the call under, the public offer that has exactly those, and the contracts."""

    found: Match
    wanted: Conditions
    offer: Offer | None
    contracts: tuple[Contract, ...]


class Book:
    """The price book as of now: what answers are made from."""

    def __init__(self, con: DuckDBPyConnection) -> None:
        following.follow(con)
        self.terms: Terms = contracts.in_force(con)
        self._offers = _offers(con)

    def answer(self, ask: Ask) -> Answer:
        """Answer one ask."""
        found = ask.found(self.terms.aliases)
        wanted, offer = self._choose(found, ask.conditions)
        taking = tuple(contract for contract in self.terms.contracts if contract.takes(_names(ask, found, wanted)))
        return Answer(found, wanted, offer, taking)

    def _choose(self, found: Match, asked: Asked) -> tuple[Conditions, Offer | None]:
        """A borrowed price has no conditions but the standard ones."""
        known = self._offers.get((found.price_provider or "", found.price_model or ""), {})
        usable = {STANDARD: known[STANDARD]} if found.borrowed and STANDARD in known else known
        wanted = applicable(asked, found.price_provider or "", usable)
        return wanted, usable.get(wanted)


def remember(con: DuckDBPyConnection, asks: Iterable[tuple[Any, ...]]) -> None:
    """Store the answer to each ask (a row of unmatched.sql)."""
    first = con.execute(_NEXT_ID).fetchall()[0][0]
    book, shelf, asked = Book(con), cards.Shelf(con), list(asks)
    rows = [_row(match_id, Ask(*ask), book, shelf) for match_id, ask in enumerate(asked, first)]
    shelf.keep()
    con.execute(_INSERT, {"rows": json.dumps(rows)})
    relatives.learn(con, asked, lambda ask: _known(book.answer(Ask(*ask))))


def _known(answer: Answer) -> relatives.Answer:
    return relatives.Answer(answer.found, as_text(answer.wanted), answer.offer.offer_id if answer.offer else None)


def _row(match_id: int, ask: Ask, book: Book, shelf: cards.Shelf) -> dict[str, Any]:
    answer = book.answer(ask)
    found, offer = answer.found, answer.offer
    priced_model = found.price_model or _named(ask, found, answer.contracts)
    contract_offer = shelf.offer(
        cards.Offer(
            public_id=offer.offer_id if offer else None,
            provider=found.price_provider or ask.provider or "",
            model=priced_model or "",
            conditions=as_text(answer.wanted),
            needs=needs(answer.wanted),
        ),
        answer.contracts,
    )
    return {
        "match_id": match_id,
        **vars(ask),
        "offer_id": offer.offer_id if offer else None,
        "contract_offer_id": contract_offer,
        "has_bands": offer is not None and offer.has_bands,
        "priced_model": priced_model,
        "model_developer": found.model_developer,
        "token_family": ratios.family(priced_model or ask.response_model or ask.request_model),
    }


def _named(ask: Ask, found: Match, taking: Iterable[Contract]) -> str | None:
    """Return the name of a model that only a contract prices."""
    if any(contract.has_prices for contract in taking):
        return found.alias or ask.response_model or ask.request_model
    return None


def _names(ask: Ask, found: Match, wanted: Conditions) -> Names:
    provider = provider_for(ask.provider or found.price_provider or "") or None
    models = (found.price_model, found.alias, ask.response_model, ask.request_model)
    return Names(
        provider=provider,
        account=ask.account,
        server=ask.server,
        deployment=ask.deployment,
        models=tuple(dict.fromkeys(model for model in models if model)),
        tier=tier_of(wanted),
        region=ask.region,
    )


def _offers(con: DuckDBPyConnection) -> dict[tuple[str, str], Offers]:
    """Return what the newest edition offers, by the catalogue's provider and model."""
    found: dict[tuple[str, str], dict[Conditions, Offer]] = {}
    for provider, model, conditions, offer_id, has_bands in con.execute(_OFFERS).fetchall():
        found.setdefault((provider, model), {})[from_text(conditions)] = Offer(offer_id, has_bands)
    return dict(found)
