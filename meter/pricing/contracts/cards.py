"""Contract prices as rate cards: for each public offer and set of contracts that calls met, one offer more.

Each public card is cut where a contract begins or ends, and each piece says what every class costs there. A piece under no
contract has the public prices and no terms: calls then name the public card only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from meter.pricing import cards
from meter.pricing.contracts.prices import Price, contracted
from meter.pricing.contracts.rules import Contract, settling
from meter.pricing.units import LARGEST_FINE_PRICE, LARGEST_UNIT_PRICE, PER_CALL, unit_price

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SOURCE = "meter.toml"
_DAY_S = 86_400

_PUBLIC = """
SELECT
    rate_card_id, currency, valid_from, valid_to, day_from_s, day_to_s, input_over, input_up_to, unit_prices, fine_prices,
    minimums, priced_as, per_call, url
FROM ledger.rate_cards
WHERE offer_id = ?
ORDER BY rate_card_id
"""
_KNOWN = "SELECT digest, any_value(offer_id) FROM ledger.rate_cards WHERE contract_rules IS NOT NULL GROUP BY digest"
_NEXT_IDS = "SELECT coalesce(max(rate_card_id), 0) + 1, coalesce(max(offer_id), 0) + 1 FROM ledger.rate_cards"
_VERSION = "SELECT coalesce(max(edition), 0) FROM ledger.configurations"


@dataclass(frozen=True)
class Offer:
    """What calls were matched to: a public offer of the price book, or None where it has none, under some conditions."""

    public_id: int | None
    provider: str
    model: str
    conditions: str
    needs: frozenset[str]
    """Of `tier` and `region`, what is not standard: a contract's own price must name it to hold."""


@dataclass(frozen=True)
class _Card:
    """A public card, or the part of it between two moments."""

    public_card_id: int | None
    currency: str
    valid_from: datetime | None
    valid_to: datetime | None
    day_from_s: int
    day_to_s: int
    input_over: int | None
    input_up_to: int | None
    unit_prices: Mapping[str, Decimal]
    fine_prices: Mapping[str, Decimal] | None
    minimums: Mapping[str, Decimal] | None
    priced_as: Mapping[str, str] | None
    per_call: bool
    url: str | None

    def prices(self) -> dict[str, Price]:
        """Return the exact price of each class."""
        exact = {**self.unit_prices, **(self.fine_prices or {})}
        priced_as = self.priced_as or {}
        return {name: Price(price, priced_as.get(name), self.currency) for name, price in exact.items()}


_NO_CARD = _Card(None, "USD", None, None, 0, _DAY_S, None, None, {}, None, None, None, False, None)


class Shelf:
    """The contract offers of a ledger: each made once, when calls first meet it."""

    def __init__(self, con: DuckDBPyConnection) -> None:
        self._con = con
        self._known: dict[str, int] = dict(con.execute(_KNOWN).fetchall())
        self._rows: list[dict[str, Any]] = []
        self._card_id: int
        self._offer_id: int
        ((self._card_id, self._offer_id),) = con.execute(_NEXT_IDS).fetchall()
        ((self._version,),) = con.execute(_VERSION).fetchall()

    def offer(self, offer: Offer, contracts: Sequence[Contract]) -> int | None:
        """Return the contract offer for calls that these contracts take; None without contracts."""
        if not contracts:
            return None
        key = [vars(offer) | {"needs": sorted(offer.needs)}, sorted(contract.rule_id for contract in contracts)]
        if len(settling(contracts)) < len(contracts):
            key.append("the most specific volume tier")  # older cards of these contracts are for all of their tiers
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
        if digest not in self._known:
            self._known[digest] = self._made(offer, contracts, digest)
        return self._known[digest]

    def keep(self) -> None:
        """Write what was made into the ledger."""
        if self._rows:
            cards.insert(self._con, self._rows)
            self._rows = []

    def _made(self, offer: Offer, contracts: Sequence[Contract], digest: str) -> int:
        offer_id, self._offer_id = self._offer_id, self._offer_id + 1
        heading = {
            "offer_id": offer_id,
            "edition": 0,
            "source": SOURCE,
            "version": str(self._version),
            "digest": digest,
            "provider": offer.provider,
            "model": offer.model,
            "conditions": offer.conditions,
        }
        for row in (row for card in self._public(offer) for row in _rows(card, contracts, offer.needs)):
            self._rows.append(heading | row | {"rate_card_id": self._card_id})
            self._card_id += 1
        return offer_id

    def _public(self, offer: Offer) -> list[_Card]:
        if offer.public_id is None:
            return [_NO_CARD]
        return [_Card(*row) for row in self._con.execute(_PUBLIC, [offer.public_id]).fetchall()]


def _rows(card: _Card, contracts: Sequence[Contract], needs: frozenset[str]) -> Iterator[dict[str, Any]]:
    for piece in _pieces(card, contracts):
        holding = [contract for contract in contracts if contract.holds(piece.valid_from, piece.valid_to)]
        yield _row(piece, *contracted(piece.prices(), holding, needs=needs), holding)


def _pieces(card: _Card, contracts: Iterable[Contract]) -> Iterator[_Card]:
    """Cut a card at every moment inside it at which a contract begins or ends."""
    moments = {moment for contract in contracts for moment in (contract.valid_from, contract.valid_to) if moment}
    cuts = sorted(
        moment
        for moment in moments
        if (card.valid_from is None or card.valid_from < moment) and (card.valid_to is None or moment < card.valid_to)
    )
    for valid_from, valid_to in pairwise([card.valid_from, *cuts, card.valid_to]):
        yield replace(card, valid_from=valid_from, valid_to=valid_to)


def _row(
    card: _Card, currency: str | None, prices: Mapping[str, Price], contracts: Sequence[Contract]
) -> dict[str, Any]:
    stored = {name: unit_price(price.unit_price, 1) for name, price in prices.items()}
    fitting = {
        name: (short, fine)
        for name, (short, fine) in stored.items()
        if short <= LARGEST_UNIT_PRICE and (fine is None or fine <= LARGEST_FINE_PRICE)
    }
    rules = {name: prices[name].rule_id for name in fitting if prices[name].rule_id is not None}
    priced_as = {name: prices[name].priced_as for name in fitting if prices[name].priced_as}
    return {
        "public_card_id": card.public_card_id,
        "url": card.url,
        "currency": currency or card.currency,
        "valid_from": card.valid_from and card.valid_from.isoformat(),
        "valid_to": card.valid_to and card.valid_to.isoformat(),
        "day_from_s": card.day_from_s,
        "day_to_s": card.day_to_s,
        "input_over": card.input_over,
        "input_up_to": card.input_up_to,
        "unit_prices": {name: f"{short:f}" for name, (short, _) in fitting.items()},
        "fine_prices": {name: f"{fine:f}" for name, (_, fine) in fitting.items() if fine is not None} or None,
        "minimums": card.minimums and {name: f"{least:f}" for name, least in card.minimums.items()},
        "priced_as": priced_as or None,
        "per_call": card.per_call or (PER_CALL in rules and prices[PER_CALL].unit_price > 0),
        "contract_rules": rules,
        "contract_rule_id": next(iter(rules.values())) if len(set(rules.values())) == 1 else None,
        "terms": sorted(contract.rule_id for contract in settling(contracts)),
    }
