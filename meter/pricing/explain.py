"""How one call was priced: the card it was priced with, each charge, and what is unknown and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from meter.errors import MeterError
from meter.names import provider_for
from meter.pricing.book import STANDARD

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_CALL = """
SELECT
    call_id, started_at, provider, server_address, request_model, response_model, service_tier,
    (SELECT requested_tier FROM ledger.calls WHERE id = call_id) AS requested_tier, region, context, priced_model, status,
    usage_source, price_status, list_cost, contracted_cost, effective_cost, list_currency, currency, estimate_low,
    estimate_high, rate_card_id, contract_rule_id
FROM calls
WHERE call_id = $call_id
"""
_CHARGES = """
SELECT usage_class, quantity, unit_price, list_cost, contracted_cost, effective_cost
FROM charges
WHERE call_id = $call_id
"""
_CARD = """
SELECT
    rate_card_id, source, version, provider, model, conditions, currency, valid_from, valid_to, day_from_s, day_to_s,
    input_over, input_up_to, url, recorded_at, priced_as, minimums
FROM ledger.rate_cards
WHERE rate_card_id = $rate_card_id
"""


@dataclass(frozen=True)
class Card:
    """The rate card that a call was priced with."""

    rate_card_id: int
    source: str
    version: str
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
class Line:
    """One charge. `billed` is the quantity that was multiplied; `priced_as` the class whose price it is, where it has none."""

    usage_class: str
    quantity: Decimal
    billed: Decimal
    unit_price: Decimal | None
    priced_as: str | None
    list_cost: Decimal | None
    contracted_cost: Decimal | None
    effective_cost: Decimal | None


@dataclass(frozen=True)
class Explanation:
    """A call, its card, its charges and their sum. `reason` says why a cost, or a part of it, is unknown."""

    call: Mapping[str, Any]
    card: Card | None
    lines: tuple[Line, ...]
    list_cost: Decimal | None
    effective_cost: Decimal | None
    reason: str | None


def explain(con: DuckDBPyConnection, call_id: str) -> Explanation:
    """Return the arithmetic of one call. Raises MeterError for a call that the ledger does not have."""
    call = _call(con, call_id)
    card, priced_as, minimums = _card(con, call["rate_card_id"])
    lines = tuple(_line(row, priced_as, minimums) for row in _rows(con, _CHARGES, {"call_id": call["call_id"]}))
    return Explanation(call, card, lines, call["list_cost"], call["effective_cost"], _reason(con, call, lines))


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


def _card(
    con: DuckDBPyConnection, rate_card_id: int | None
) -> tuple[Card | None, Mapping[str, str], Mapping[str, Decimal]]:
    for row in con.execute(_CARD, {"rate_card_id": rate_card_id}).fetchall():
        *values, priced_as, minimums = row
        card = Card(*values)
        return card, priced_as or {}, minimums or {}
    return None, {}, {}


def _line(row: Mapping[str, Any], priced_as: Mapping[str, str], minimums: Mapping[str, Decimal]) -> Line:
    name, quantity = row["usage_class"], row["quantity"]
    billed = max(quantity, minimums.get(name, quantity)) if quantity else quantity
    return Line(**row, billed=billed, priced_as=priced_as.get(name))


def _reason(con: DuckDBPyConnection, call: Mapping[str, Any], lines: tuple[Line, ...]) -> str | None:
    status = call["price_status"]
    lacking = ", ".join(line.usage_class for line in lines if line.list_cost is None and line.quantity)
    if status == "no_usage":
        return "the provider reported no usage, and nothing was seen to estimate it from"
    if status == "partial":
        return f"{call['priced_model']} has no price for: {lacking}"
    if status in ("unpriced", "reported"):
        return _missing_price(con, call) or f"{call['priced_model']} has no price for: {lacking or 'such calls'}"
    return None


def _missing_price(con: DuckDBPyConnection, call: Mapping[str, Any]) -> str | None:
    """Ask again what was asked at ingest, and say where the answer ends."""
    from meter.pricing.answers import choose, offers
    from meter.pricing.conditions import Asked, as_text
    from meter.pricing.matching import match

    found = match(call["provider"], call["server_address"], call["response_model"], call["request_model"])
    models = " or ".join(dict.fromkeys(repr(call[key]) for key in ("response_model", "request_model") if call[key]))
    if found.price_provider is None:
        return f"the price book has no provider {call['provider']!r}"
    seller = call["provider"] or provider_for(found.price_provider)
    if found.price_model is None:
        return f"the price book has no model {models} of {seller}"
    asked = Asked(call["service_tier"], call["requested_tier"], call["region"], call["context"])
    known = offers(con).get((found.price_provider, found.price_model), {})
    wanted, offer = choose(found, asked, known)
    conditions = as_text(wanted) or STANDARD
    if offer is None:
        return f"{seller} has no price for {found.price_model} under: {conditions}"
    if (start := _starts_later(con, offer.offer_id, call["started_at"])) is not None:
        return f"{seller} has no price for {found.price_model} under: {conditions}, before {start:%Y-%m-%d}"
    return None


def _starts_later(con: DuckDBPyConnection, offer_id: int, started_at: datetime) -> datetime | None:
    query = "SELECT min(valid_from) FROM ledger.rate_cards WHERE offer_id = ? AND valid_from > ?"
    ((start,),) = con.execute(query, [offer_id, started_at]).fetchall()
    return start if isinstance(start, datetime) else None


def _rows(con: DuckDBPyConnection, query: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    cursor = con.execute(query, dict(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
