"""`meter prices explain`: the arithmetic of one call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from meter.cli.app import MeterCommand
from meter.cli.opening import reading
from meter.cli.output import facts, format_option, note, show_report
from meter.pricing.explain import Card, Explanation, Line, Term, explain
from meter.report.numbers import money
from meter.report.table import Result, exactly, without_blanks

MONEY, QUANTITY = "DECIMAL(38,12)", "DECIMAL(38,6)"
COLUMNS = {
    "usage_class": "VARCHAR",
    "quantity": QUANTITY,
    "billed_quantity": QUANTITY,
    "unit_price": MONEY,
    "priced_as": "VARCHAR",
    "list_cost": MONEY,
    "contract": "VARCHAR",
    "contracted_unit_price": MONEY,
    "contracted_cost": MONEY,
    "effective_cost": MONEY,
    "currency": "VARCHAR",
}


@click.command("explain", cls=MeterCommand, short_help="The arithmetic of one call.")
@click.argument("call_id")
@format_option
def explain_call(call_id: str, fmt: str) -> None:
    """Show how one call was priced: rate card and contracts, each charge, and what is unknown and why.

    \b
    Example:
      meter sql "SELECT call_id FROM calls ORDER BY effective_cost DESC LIMIT 3"
      meter prices explain 019a1b2c-3d4e-4f50-8a6b-7c8d9e0f1a2b
    """
    with reading() as connection:
        found = explain(connection, call_id)
    result = Result(list(COLUMNS), list(COLUMNS.values()), [_row(found, line) for line in found.lines], exact=True)
    if fmt == "table":
        facts(_facts(found))
        print()
        result = without_blanks(result)
    show_report(result, fmt)
    if found.reason:
        note(f"unknown: {found.reason}")


def _row(found: Explanation, line: Line) -> list[object]:
    return [
        line.usage_class,
        line.quantity,
        line.billed,
        line.unit_price,
        line.priced_as,
        line.list_cost,
        line.contract,
        line.contracted_unit_price if found.contracts else None,
        line.contracted_cost,
        line.effective_cost,
        found.call["currency"],
    ]


def _facts(found: Explanation) -> Iterator[tuple[str, str]]:
    call = found.call
    yield "call", f"{call['call_id']}, {call['started_at']:%Y-%m-%d %H:%M:%S %Z}"
    asked = call["request_model"]
    yield (
        "model",
        f"{call['response_model'] or asked or '–'} of {call['provider'] or '–'}"
        + (f" (asked for {asked})" if asked and asked != call["response_model"] else ""),
    )
    yield (
        "status",
        f"{call['price_status']}; usage {call['usage_source'] or 'unknown'}; call {call['status'] or 'unknown'}",
    )
    if found.card:
        yield "card", _card(found.card)
        if found.card.url:
            yield "source", found.card.url
    for term in found.contracts:
        yield "contract", _contract(term)
    low, high = call["estimate_low"], call["estimate_high"]
    if low is not None:
        yield "estimated", f"between {money(low)} and {money(high)} {call['currency']}"
    if found.contracts and found.list_cost is not None:
        yield "list cost", f"{exactly(found.list_cost, 'grouped')} {call['list_currency']}"
    cost = found.effective_cost
    yield "cost", "unknown" if cost is None else f"{exactly(cost, 'grouped')} {call['currency']}"


def _card(card: Card) -> str:
    band = f", input above {card.input_over:,}" if card.input_over else ""
    held = f"{_span(card.valid_from, card.valid_to)} ({card.source} {card.version}, known since {card.recorded_at:%Y-%m-%d})"
    return f"{card.provider} {card.model}, {card.conditions or 'standard'}{band}, {held}"


def _contract(term: Term) -> str:
    return f"{term.name}, {_span(term.valid_from, term.valid_to)}: {term.definition}"


def _span(start: datetime | None, end: datetime | None) -> str:
    return f"since {f'{start:%Y-%m-%d}' if start else 'ever'}" + (f" to {end:%Y-%m-%d}" if end else "")
