"""Contracts by the month and calls under them, as plain values, and the rows of a ledger that they become."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import duckdb

from tests.pricing.batches import Row

Tier = tuple[Decimal, Decimal]
"""Above how much, and × what."""
KNOWN_FROM = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Rule:
    """One contract, in the words of meter.toml."""

    rule_id: int
    since: datetime | None = None
    until: datetime | None = None
    currency: str = "USD"
    by: str | None = None
    method: str = "graduated"
    period: str = "month"
    tiers: tuple[Tier, ...] = ()
    commitment: Decimal | None = None
    price: Decimal | None = None
    fee: Decimal | None = None
    per: str | None = None
    quantity: Decimal | None = None
    spread: bool = False
    name: str | None = None
    superseded_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Tell whether the contract is in force at a moment."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True)
class Use:
    """One call: under which contracts, and what it cost by their prices."""

    at: datetime
    terms: tuple[int, ...]
    cost: Decimal | None
    tokens: int = 0
    currency: str = "USD"
    service: str = "shop"
    model: str = "model"
    tags: Mapping[str, str] = field(default_factory=dict)


def utc(text: str) -> datetime:
    """Return a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def day(text: str | None) -> datetime | None:
    """Return the beginning of a day."""
    return None if text is None else utc(text)


def fill(con: duckdb.DuckDBPyConnection, rules: Sequence[Rule], uses: Sequence[Use]) -> None:
    """Make these the ledger's contracts and calls."""
    for table in ("contract_rules", "rate_cards", "tag_sets", "calls"):
        con.execute(f"TRUNCATE ledger.{table}")
    _add(con, "contract_rules", [_rule(rule) for rule in rules])
    cards = {terms: number for number, terms in enumerate(sorted({use.terms for use in uses}), 1)}
    sets = {_canonical(use): number for number, use in enumerate(uses, 1)}
    _add(con, "rate_cards", [_card(number, terms) for terms, number in cards.items() if terms])
    _add(con, "tag_sets", [_tag_set(number, text) for text, number in sets.items()])
    _add(con, "calls", [_call(use, cards, sets) for use in uses])


def _add(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row]) -> None:
    if rows:
        names = ", ".join(rows[0])
        marks = ", ".join("?" for _ in rows[0])
        con.executemany(f"INSERT INTO ledger.{table} ({names}) VALUES ({marks})", [list(row.values()) for row in rows])


def _rule(rule: Rule) -> Row:
    return {
        "contract_rule_id": rule.rule_id,
        "name": rule.name or f"rule-{rule.rule_id}",
        "digest": "",
        "provider": "openai",
        "valid_from": rule.since,
        "valid_to": rule.until,
        "currency": rule.currency,
        "volume_by": rule.by,
        "volume_method": rule.method if rule.by else None,
        "volume_period": rule.period if rule.by else None,
        "volume_tiers": [{"over": over, "multiplier": multiplier} for over, multiplier in rule.tiers] or None,
        "commitment": rule.commitment,
        "commitment_price": rule.price,
        "fee": rule.fee,
        "fee_per": rule.per,
        "fee_quantity": rule.quantity,
        "fee_spread": rule.spread,
        "definition": json.dumps({"fee": {"quantity": str(rule.quantity)}} if rule.quantity else {}),
        "recorded_at": KNOWN_FROM,
        "superseded_at": rule.superseded_at,
    }


def _card(number: int, terms: tuple[int, ...]) -> Row:
    texts = dict.fromkeys(("source", "version", "digest", "provider", "model", "conditions"), "")
    whole_day = {"day_from_s": 0, "day_to_s": 86_400, "unit_prices": {"key": [], "value": []}, "per_call": False}
    known = {"currency": "USD", "recorded_at": KNOWN_FROM, "terms": list(terms)}
    return {"rate_card_id": number, "offer_id": number, "edition": 1, **texts, **whole_day, **known}


def _canonical(use: Use) -> str:
    return json.dumps(dict(use.tags), sort_keys=True)


def _tag_set(number: int, text: str) -> Row:
    tags: dict[str, Any] = json.loads(text)
    pairs = {"key": list(tags), "value": list(tags.values())}
    return {"tag_set_id": number, "hash": number, "canonical": text, "tags": pairs}


def _call(use: Use, cards: Mapping[tuple[int, ...], int], sets: Mapping[str, int]) -> Row:
    return {
        "id": uuid.uuid4(),
        "started_at": use.at,
        "service": use.service,
        "provider": "openai",
        "account": "main",
        "request_model": use.model,
        "input": use.tokens // 2,
        "output": use.tokens - use.tokens // 2,
        "tag_set_id": sets[_canonical(use)],
        "list_cost": use.cost,
        "list_currency": use.currency,
        "currency": use.currency if use.cost is not None else None,
        "price_status": "unpriced" if use.cost is None else "priced",
        "contract_card_id": cards[use.terms] if use.terms else None,
    }
