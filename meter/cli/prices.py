"""`meter prices`: the price book, and how one call was priced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import click

from meter.cli import quoting
from meter.cli.app import MeterGroup
from meter.cli.opening import find, reading
from meter.cli.output import format_option, show_report
from meter.cli.prices_explain import explain_call
from meter.cli.prices_update import update
from meter.errors import PriceMissing
from meter.pricing.book import Price, catalogues, edition, prices
from meter.report.period import start_of_day
from meter.report.table import Result, without_blanks

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAY_S = 86_400
MONEY = "DECIMAL(38,12)"


@click.group("prices", cls=MeterGroup)
def command() -> None:
    """The price book, and how one call was priced.

    Prices come from the catalogue of genai-prices that is installed, or from a newer one (meter prices update). They hold
    from and to a date.
    """


command.add_command(explain_call)
command.add_command(update)


@command.command("list", short_help="Prices in force, by model and usage class.")
@click.argument("model", required=False)
@click.option("--provider", help="One provider, such as openai or azure.")
@click.option("--at", metavar="DAY", help="Prices in force on a day such as 2026-01-31.  [default: now]")
@click.option(
    "--known-at",
    metavar="MOMENT",
    help="Prices as this ledger knew them at a moment such as 2026-01-31 or 2026-01-31T14:30Z.  [default: now]",
)
@click.option("--history", is_flag=True, help="Prices of all times.")
@format_option
def list_prices(
    model: str | None, provider: str | None, at: str | None, known_at: str | None, history: bool, fmt: str
) -> None:
    """List prices in force, by model and usage class. MODEL is a name or a pattern.

    What held when is --at; what was known when is --known-at. JSON and CSV also tell where each price comes from.

    \b
    Examples:
      meter prices list gpt-4o-mini
      meter prices list "claude-*" --provider anthropic
      meter prices list gpt-4o --history --format csv
      meter prices list gpt-4o --known-at 2026-11-01
    """
    now = datetime.now(timezone.utc)
    day = now if at is None else start_of_day(at, timezone.utc)
    moment = None if history else day
    known = None if known_at is None else quoting.moment(known_at)
    with _book() as connection:
        _check_known(connection, known)
        found = list(prices(connection, provider=provider, model=model, at=moment, known_at=known))
    if not found:
        sought = " of ".join(filter(None, [model and repr(model), provider]))
        raise PriceMissing(
            f"the price book has no price for {sought}", hint="try a pattern: meter prices list '*mini*'"
        )
    result = _prices(found, provenance=fmt != "table")
    show_report(without_blanks(result) if fmt == "table" else result, fmt)


def _check_known(connection: DuckDBPyConnection, known: datetime | None) -> None:
    """Raise PriceMissing for a moment before the first catalogue was taken in."""
    if known is not None and edition(connection, known) == 0:
        taken = catalogues(connection)
        first = f"the first catalogue was taken in {quoting.day(taken[0].recorded_at)}" if taken else "there is none"
        raise PriceMissing(
            f"no price was known at {quoting.day(known)}: {first}",
            hint="ask for a later moment, or leave --known-at out",
        )


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


def _prices(found: list[Price], *, provenance: bool) -> Result:
    """Return the prices as rows; where they come from only where there is room for it."""
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
    if not provenance:
        return Result(list(columns), list(columns.values()), [_price(price) for price in found])
    columns |= dict.fromkeys(("source", "version", "origin", "digest", "url", "recorded_at"), "VARCHAR")
    columns["rate_card_id"] = "INTEGER"
    return Result(list(columns), list(columns.values()), [_price(price) + _provenance(price) for price in found])


def _price(price: Price) -> list[object]:
    return [
        price.provider,
        price.model,
        price.conditions,
        price.usage_class,
        quoting.quoted(price.usage_class, price.unit_price),
        quoting.per(price.usage_class),
        price.currency,
        price.input_over,
        _hours(price),
        quoting.day(price.valid_from),
        quoting.day(price.valid_to),
    ]


def _provenance(price: Price) -> list[object]:
    return [
        price.source,
        price.version,
        price.origin,
        price.digest,
        price.url,
        quoting.day(price.recorded_at),
        price.rate_card_id,
    ]


def _hours(price: Price) -> str | None:
    """Return the hours of the day in which the price holds; None for all of them."""
    if price.day_from_s == 0 and price.day_to_s >= DAY_S:
        return None
    return "–".join(map(quoting.clock, (price.day_from_s, price.day_to_s)))
