"""Answer what calls ask of the price book: which model is it, and which of its offers has the call's conditions?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meter.pricing import ratios
from meter.pricing.conditions import STANDARD, Asked, Conditions, applicable, from_text
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
    def found(self) -> Match:
        """The model."""
        return match(self.provider, self.server, self.response_model, self.request_model)

    @property
    def conditions(self) -> Asked:
        """The conditions, as the call states them."""
        pairs = json.loads(self.price_context or "[]")
        return Asked(self.tier, self.requested_tier, self.region, {pair["key"]: pair["value"] for pair in pairs})


@dataclass(frozen=True)
class Offer:
    """What the price book calls an offer, and whether its price depends on the length of the input."""

    offer_id: int
    has_bands: bool


Offers = Mapping[Conditions, Offer]


def remember(con: DuckDBPyConnection, asks: Iterable[tuple[Any, ...]]) -> None:
    """Store the answer to each ask (a row of unmatched.sql)."""
    first = con.execute(_NEXT_ID).fetchall()[0][0]
    known = offers(con)
    rows = [_answer(match_id, Ask(*ask), known) for match_id, ask in enumerate(asks, first)]
    con.execute(_INSERT, {"rows": json.dumps(rows)})


def choose(found: Match, asked: Asked, known: Offers) -> tuple[Conditions, Offer | None]:
    """Return the conditions that the call must be priced under, and the offer that has exactly those, if there is one.

    A borrowed price has no conditions but the standard ones.
    """
    usable = {STANDARD: known[STANDARD]} if found.borrowed and STANDARD in known else known
    wanted = applicable(asked, found.price_provider or "", usable)
    return wanted, usable.get(wanted)


def _answer(match_id: int, ask: Ask, known: Mapping[tuple[str, str], Offers]) -> dict[str, Any]:
    found = ask.found
    _, offer = choose(found, ask.conditions, known.get((found.price_provider or "", found.price_model or ""), {}))
    return {
        "match_id": match_id,
        **vars(ask),
        "offer_id": offer.offer_id if offer else None,
        "has_bands": offer is not None and offer.has_bands,
        "priced_model": found.price_model,
        "model_developer": found.model_developer,
        "token_family": ratios.family(found.price_model or ask.response_model or ask.request_model),
    }


def offers(con: DuckDBPyConnection) -> dict[tuple[str, str], Offers]:
    """Return what the newest edition offers, by the catalogue's provider and model."""
    found: dict[tuple[str, str], dict[Conditions, Offer]] = {}
    for provider, model, conditions, offer_id, has_bands in con.execute(_OFFERS).fetchall():
        found.setdefault((provider, model), {})[from_text(conditions)] = Offer(offer_id, has_bands)
    return dict(found)
