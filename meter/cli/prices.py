"""`meter prices`: the price book, and how one call was priced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from meter.cli.app import MeterGroup
from meter.cli.opening import find, reading
from meter.cli.output import facts, format_option, note, show_report
from meter.errors import PriceMissing
from meter.names import CLASSES
from meter.pricing.book import Price, prices
from meter.pricing.explain import Card, Explanation, explain
from meter.report.numbers import money
from meter.report.period import start_of_day
from meter.report.table import Result, exactly, without_blanks

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MILLION = 1_000_000
DAY_S = 86_400
UNITS = {usage_class.name: usage_class.unit for usage_class in CLASSES}
MONEY, QUANTITY = "DECIMAL(38,12)", "DECIMAL(38,6)"


@click.group("prices", cls=MeterGroup)
def command() -> None:
    """The price book, and how one call was priced.

    Prices come from the catalogue of genai-prices that is installed, and hold from and to a date.
    """


@command.command("list", short_help="Prices in force, by model and usage class.")
@click.argument("model", required=False)
@click.option("--provider", help="One provider, such as openai or azure.")
@click.option("--at", metavar="DAY", help="Prices in force on a day such as 2026-01-31.  [default: now]")
@click.option("--history", is_flag=True, help="Prices of all times.")
@format_option
def list_prices(model: str | None, provider: str | None, at: str | None, history: bool, fmt: str) -> None:
    """List prices in force, by model and usage class. MODEL is a name or a pattern.

    \b
    Examples:
      meter prices list gpt-4o-mini
      meter prices list "claude-*" --provider anthropic
      meter prices list gpt-4o --history --format csv
    """
    now = datetime.now(timezone.utc)
    day = now if at is None else start_of_day(at, timezone.utc)
    moment = None if history else day
    with _book() as connection:
        found = list(prices(connection, provider=provider, model=model, at=moment))
    if not found:
        sought = " of ".join(filter(None, [model and repr(model), provider]))
        raise PriceMissing(
            f"the price book has no price for {sought}", hint="try a pattern: meter prices list '*mini*'"
        )
    result = _prices(found)
    show_report(without_blanks(result) if fmt == "table" else result, fmt)


@command.command("explain", short_help="The arithmetic of one call.")
@click.argument("call_id")
@format_option
def explain_call(call_id: str, fmt: str) -> None:
    """Show how one call was priced: its rate card, each charge, and what is unknown and why.

    \b
    Example:
      meter sql "SELECT call_id FROM calls ORDER BY effective_cost DESC LIMIT 3"
      meter prices explain 019a1b2c-3d4e-4f50-8a6b-7c8d9e0f1a2b
    """
    with reading() as connection:
        found = explain(connection, call_id)
    if fmt == "table":
        facts(_facts(found))
        print()
    show_report(_charges(found), fmt)
    if found.reason:
        note(f"unknown: {found.reason}")


@contextmanager
def _book() -> Iterator[DuckDBPyConnection]:
    """Hand out a connection with the price book: the ledger's, or before there is one, that of the installed catalogue."""
    place = find()
    if place.ledger.exists():
        with reading() as connection:
            yield connection
        return
    from meter.ledger import migrate, store

    with closing(store.in_memory(place)) as connection:
        migrate.migrate(connection)
        yield connection


def _prices(found: list[Price]) -> Result:
    columns = {
        "provider": "VARCHAR",
        "model": "VARCHAR",
        "conditions": "VARCHAR",
        "usage_class": "VARCHAR",
        "price": MONEY,
        "per": "VARCHAR",
        "currency": "VARCHAR",
        "input_over": "BIGINT",
        "hours_utc": "VARCHAR",
        "valid_from": "VARCHAR",
        "valid_to": "VARCHAR",
    }
    return Result(list(columns), list(columns.values()), [_price(price) for price in found])


def _price(price: Price) -> list[object]:
    unit = UNITS.get(price.usage_class, "token")
    return [
        price.provider,
        price.model,
        price.conditions,
        price.usage_class,
        price.unit_price * MILLION if unit == "token" else price.unit_price,
        "1M tokens" if unit == "token" else unit,
        price.currency,
        price.input_over,
        _hours(price),
        _day(price.valid_from),
        _day(price.valid_to),
    ]


def _day(moment: datetime | None) -> str | None:
    """Return a day, and the time only where it is not the day's first moment in UTC."""
    if moment is None:
        return None
    at = moment.astimezone(timezone.utc)
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute, at.second) == (0, 0, 0) else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _hours(price: Price) -> str | None:
    """Return the hours of the day in which the price holds; None for all of them."""
    if price.day_from_s == 0 and price.day_to_s >= DAY_S:
        return None
    return "–".join(f"{second // 3600:02}:{second % 3600 // 60:02}" for second in (price.day_from_s, price.day_to_s))


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
    low, high = call["estimate_low"], call["estimate_high"]
    if low is not None:
        yield "estimated", f"between {money(low)} and {money(high)} {call['currency']}"
    cost = found.effective_cost
    yield "cost", "unknown" if cost is None else f"{exactly(cost, 'grouped')} {call['currency']}"


def _card(card: Card) -> str:
    since = f"{card.valid_from:%Y-%m-%d}" if card.valid_from else "ever"
    until = f" to {card.valid_to:%Y-%m-%d}" if card.valid_to else ""
    band = f", input above {card.input_over:,}" if card.input_over else ""
    held = f"since {since}{until} ({card.source} {card.version})"
    return f"{card.provider} {card.model}, {card.conditions or 'standard'}{band}, {held}"


def _charges(found: Explanation) -> Result:
    columns = {
        "usage_class": "VARCHAR",
        "quantity": QUANTITY,
        "billed_quantity": QUANTITY,
        "unit_price": MONEY,
        "priced_as": "VARCHAR",
        "list_cost": MONEY,
        "contracted_cost": MONEY,
        "effective_cost": MONEY,
        "currency": "VARCHAR",
    }
    rows = [
        [
            line.usage_class,
            line.quantity,
            line.billed,
            line.unit_price,
            line.priced_as,
            line.list_cost,
            line.contracted_cost,
            line.effective_cost,
            found.call["currency"],
        ]
        for line in found.lines
    ]
    return Result(list(columns), list(columns.values()), rows, exact=True)
