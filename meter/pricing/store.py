"""Write a compiled catalogue into the price book. Entries are added, never overwritten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any

from meter.pricing import installed
from meter.pricing.conditions import as_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meter.pricing.catalogue import Card, PricedModel

CURRENCY = "USD"
"""genai-prices states every price in US dollars."""

Row = dict[str, Any]

_INSERT_CARDS = """
INSERT INTO ledger.rate_cards BY NAME
SELECT unnest(from_json($rows, '[{
    "rate_card_id": "INTEGER", "offer_id": "INTEGER", "edition": "INTEGER", "source": "VARCHAR", "version": "VARCHAR",
    "digest": "VARCHAR", "url": "VARCHAR", "provider": "VARCHAR", "model": "VARCHAR", "conditions": "VARCHAR",
    "currency": "VARCHAR", "valid_from": "TIMESTAMPTZ", "valid_to": "TIMESTAMPTZ", "day_from_s": "INTEGER",
    "day_to_s": "INTEGER", "input_over": "BIGINT", "input_up_to": "BIGINT",
    "unit_prices": "MAP(VARCHAR, DECIMAL(18, 12))", "fine_prices": "MAP(VARCHAR, DECIMAL(27, 24))",
    "minimums": "MAP(VARCHAR, DECIMAL(18, 6))", "priced_as": "MAP(VARCHAR, VARCHAR)", "per_call": "BOOLEAN"
    }]'), recursive := true), now() AS recorded_at
"""
_KNOWN = "SELECT (provider, model), any_value(digest) FROM ledger.current_cards GROUP BY 1"
_NEXT_IDS = """
SELECT
    greatest(coalesce(max(edition), 0), (SELECT coalesce(max(edition), 0) FROM ledger.catalogues)) + 1,
    coalesce(max(rate_card_id), 0) + 1,
    coalesce(max(offer_id), 0) + 1
FROM ledger.rate_cards
"""


def refresh(con: DuckDBPyConnection) -> int:
    """Take the installed catalogue into the price book, and return how many models' prices are new or changed.

    A catalogue that was taken in before, or one older than the newest, changes nothing: two machines with different versions
    of the package do not overwrite each other in turns. All cards arrive in one statement, and the catalogue's own row comes
    last: without a transaction around it, a kill in between means that the next refresh ends what this one began.
    """
    return _record(con) if _is_news(con) else 0


def _is_news(con: DuckDBPyConnection) -> bool:
    known = con.execute("SELECT digest, version FROM ledger.catalogues WHERE source = ?", [installed.SOURCE]).fetchall()
    if installed.digest() in {digest for digest, _ in known}:
        return False
    return all(_release(version) <= _release(installed.version()) for _, version in known)


def _record(con: DuckDBPyConnection) -> int:
    known = dict(con.execute(_KNOWN).fetchall())
    edition, card_id, offer_id = con.execute(_NEXT_IDS).fetchall()[0]
    card_ids, offer_ids = count(card_id), count(offer_id)
    rows: list[Row] = []
    changed = 0
    for model in _compiled():
        offers = [(as_text(offer.conditions), [_card(card) for card in offer.cards]) for offer in model.offers]
        digest = hashlib.sha256(json.dumps(offers).encode()).hexdigest()[:32]
        if known.get((model.provider, model.model)) == digest:
            continue
        changed += 1
        heading = _heading(model) | {"digest": digest, "edition": edition}
        for conditions, cards in offers:
            offer = heading | {"conditions": conditions, "offer_id": next(offer_ids)}
            rows += [{"rate_card_id": next(card_ids), **offer, **card} for card in cards]
    con.execute(_INSERT_CARDS, {"rows": json.dumps(rows)})
    con.execute("DELETE FROM ledger.model_matches")
    taken = [edition, installed.SOURCE, installed.version(), installed.digest()]
    con.execute("INSERT INTO ledger.catalogues VALUES (?, ?, ?, ?, now())", taken)
    return changed


def _compiled() -> Iterator[PricedModel]:
    from meter.pricing.catalogue import compiled  # most runs find nothing new, and never load it

    return compiled()


def _heading(model: PricedModel) -> Row:
    return {
        "source": installed.SOURCE,
        "version": installed.version(),
        "url": model.url,
        "provider": model.provider,
        "model": model.model,
        "currency": CURRENCY,
    }


def _card(card: Card) -> Row:
    rates = card.rates
    return {
        "valid_from": _midnight(card.window.valid_from),
        "valid_to": _midnight(card.window.valid_to),
        "day_from_s": card.window.day_from_s,
        "day_to_s": card.window.day_to_s,
        "input_over": card.band.over,
        "input_up_to": card.band.up_to,
        "unit_prices": {rate.usage_class: f"{rate.unit_price:f}" for rate in rates},
        "fine_prices": {rate.usage_class: f"{rate.fine_price:f}" for rate in rates if rate.fine_price is not None}
        or None,
        "minimums": {rate.usage_class: f"{rate.minimum:f}" for rate in rates if rate.minimum is not None} or None,
        "priced_as": {rate.usage_class: rate.priced_as for rate in rates if rate.priced_as is not None} or None,
        "per_call": any(rate.per_call for rate in rates),
    }


def _midnight(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00Z" if day else None


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
