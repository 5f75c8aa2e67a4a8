"""How one call was priced: the card it was priced with, each charge, and what is unknown and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from meter.errors import MeterError
from meter.pricing import reasons
from meter.pricing.conditions import as_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CALL = """
SELECT
    call_id, started_at, provider, server_address, account, deployment, request_model, response_model, service_tier,
    facts.requested_tier, region, context, priced_model, status, usage_source, price_status, list_cost, contracted_cost,
    effective_cost, list_currency, currency, estimate_low, estimate_high, rate_card_id, contract_rule_id, facts.contract_card_id
FROM calls
JOIN (SELECT id, requested_tier, contract_card_id FROM ledger.all_calls) AS facts ON facts.id = call_id
WHERE call_id = $call_id
"""
_CHARGES = """
SELECT
    charges.usage_class, quantity, unit_price, contracted_unit_price, charges.priced_as,
    list_cost, contracted_cost, effective_cost,
    rules.name AS contract,
    coalesce((SELECT minimums FROM ledger.rate_cards WHERE rate_card_id = $rate_card_id)[charges.usage_class], 0) AS minimum
FROM charges
LEFT JOIN ledger.contract_rules AS rules ON rules.contract_rule_id = charges.contract_rule_id
WHERE call_id = $call_id
"""
_CARD = """
SELECT
    rate_card_id, source, version, digest, provider, model, conditions, currency, valid_from, valid_to, day_from_s, day_to_s,
    input_over, input_up_to, url, recorded_at
FROM ledger.rate_cards
WHERE rate_card_id = $rate_card_id
"""
_CONTRACTS = """
SELECT name, definition, valid_from, valid_to, recorded_at
FROM ledger.contract_rules
WHERE contract_rule_id IN (
    SELECT unnest(list_concat(terms, map_values(contract_rules))) FROM ledger.rate_cards WHERE rate_card_id = $rate_card_id
)
ORDER BY name
"""


@dataclass(frozen=True)
class Card:
    """The rate card that a call was priced with."""

    rate_card_id: int
    source: str
    version: str
    digest: str
    provider: str
    model: str
    conditions: str
    currency: str
    valid_from: datetime | None
    valid_to: datetime | None
    day_from_s: int
    day_to_s: int
    input_over: int | None
    input_up_to: int | None
    url: str | None
    recorded_at: datetime


@dataclass(frozen=True)
class Term:
    """A contract that the call is under, whether or not it changes the price of a call."""

    name: str
    definition: str
    valid_from: datetime | None
    valid_to: datetime | None
    recorded_at: datetime


@dataclass(frozen=True)
class Line:
    """One charge. `billed` is the quantity that was multiplied; `priced_as` the class whose price it is, where it has none;
    `contract` the name of the contract that made its contracted price.
    """

    usage_class: str
    quantity: Decimal
    billed: Decimal
    unit_price: Decimal | None
    contracted_unit_price: Decimal | None
    priced_as: str | None
    list_cost: Decimal | None
    contracted_cost: Decimal | None
    effective_cost: Decimal | None
    contract: str | None


@dataclass(frozen=True)
class Explanation:
    """A call, its public card, its contracts and its charges. `reason` says why a cost, or a part of it, is unknown."""

    call: Mapping[str, Any]
    card: Card | None
    contracts: tuple[Term, ...]
    lines: tuple[Line, ...]
    list_cost: Decimal | None
    effective_cost: Decimal | None
    reason: str | None


def explain(con: DuckDBPyConnection, call_id: str) -> Explanation:
    """Return the arithmetic of one call. Raises MeterError for a call that the ledger does not have."""
    call = _call(con, call_id)
    card = next((Card(*row) for row in _fetch(con, _CARD, call["rate_card_id"])), None)
    terms = tuple(Term(*row) for row in _fetch(con, _CONTRACTS, call["contract_card_id"]))
    sought = {"call_id": call["call_id"], "rate_card_id": call["contract_card_id"] or call["rate_card_id"]}
    lines = tuple(_line(row) for row in _rows(con, _CHARGES, sought))
    return Explanation(call, card, terms, lines, call["list_cost"], call["effective_cost"], _reason(con, call, lines))


def _call(con: DuckDBPyConnection, call_id: str) -> dict[str, Any]:
    try:
        found = _rows(con, _CALL, {"call_id": UUID(call_id)})
    except ValueError:
        found = []
    if not found:
        raise MeterError(
            f"the ledger has no call {call_id!r}",
            hint='ids stand in the view: meter sql "SELECT call_id FROM calls LIMIT 9"',
        )
    return found[0]


def _fetch(con: DuckDBPyConnection, query: str, rate_card_id: int | None) -> list[Any]:
    return con.execute(query, {"rate_card_id": rate_card_id}).fetchall()


def _line(row: dict[str, Any]) -> Line:
    quantity, minimum = row["quantity"], row.pop("minimum")
    return Line(**row, billed=max(quantity, minimum) if quantity else quantity)


def _reason(con: DuckDBPyConnection, call: Mapping[str, Any], lines: tuple[Line, ...]) -> str | None:
    status = call["price_status"]
    lacking = ", ".join(line.usage_class for line in lines if line.effective_cost is None and line.quantity)
    if status == "no_usage":
        return "the provider reported no usage, and nothing was seen to estimate it from"
    if status == "partial":
        return f"{call['priced_model']} has no price for: {lacking}"
    if status in ("unpriced", "reported"):
        return _missing_price(con, call) or f"{call['priced_model']} has no price for: {lacking or 'such calls'}"
    return None


def _missing_price(con: DuckDBPyConnection, call: Mapping[str, Any]) -> str | None:
    """Ask again what was asked at ingest, and say where the answer ends."""
    from meter.pricing.answers import Ask, Book

    pairs = [{"key": key, "value": value} for key, value in (call["context"] or {}).items()]
    names = ("provider", "account", "deployment", "response_model", "request_model", "requested_tier", "region")
    answer = Book(con).answer(
        Ask(
            **{name: call[name] for name in names},
            server=call["server_address"],
            tier=call["service_tier"],
            price_context=json.dumps(pairs),
        )
    )
    if reason := reasons.unknown(answer.found, call["provider"], (call["response_model"], call["request_model"])):
        return reason
    lacking = reasons.no_offer(answer.found, call["provider"], as_text(answer.wanted))
    if answer.offer is None:
        return lacking
    if (start := _starts_later(con, answer.offer.offer_id, call["started_at"])) is not None:
        return f"{lacking}, before {start:%Y-%m-%d}"
    return None


def _starts_later(con: DuckDBPyConnection, offer_id: int, started_at: datetime) -> datetime | None:
    query = "SELECT min(valid_from) FROM ledger.rate_cards WHERE offer_id = ? AND valid_from > ?"
    ((start,),) = con.execute(query, [offer_id, started_at]).fetchall()
    return start if isinstance(start, datetime) else None


def _rows(con: DuckDBPyConnection, query: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    cursor = con.execute(query, dict(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
