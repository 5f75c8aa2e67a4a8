"""`meter prices`: the price book, and how one call was priced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from meter.cli.app import MeterGroup
from meter.cli.opening import find, reading
from meter.cli.output import format_option, show_report
from meter.cli.prices_explain import explain_call
from meter.errors import PriceMissing
from meter.names import CLASSES
from meter.pricing.book import Price, prices
from meter.report.period import start_of_day
from meter.report.table import Result, without_blanks

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MILLION = 1_000_000
DAY_S = 86_400
UNITS = {usage_class.name: usage_class.unit for usage_class in CLASSES}
MONEY = "DECIMAL(38,12)"


@click.group("prices", cls=MeterGroup)
def command() -> None:
    """The price book, and how one call was priced.

    Prices come from the catalogue of genai-prices that is installed, and hold from and to a date.
    """


command.add_command(explain_call)


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
