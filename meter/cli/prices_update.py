"""`meter prices update`: a newer catalogue into the price book, and what it changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from meter.cli import quoting
from meter.cli.app import MeterCommand
from meter.cli.opening import find_settled
from meter.cli.output import format_option, note, show_report
from meter.errors import MeterError
from meter.home import Home
from meter.report.numbers import plural
from meter.report.table import Result, without_blanks

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meter.pricing.difference import Change, Difference
    from meter.pricing.following import Text
    from meter.pricing.updating import Newest

OWN_ADDRESS = "genai-prices"
"""What `--network` means without an address: where the package's own updates come from."""
LISTED = 40
"""Rows of a table: whoever wants all of them wants them in a file."""
COLUMNS = {
    "change": "VARCHAR",
    "provider": "VARCHAR",
    "model": "VARCHAR",
    "conditions": "VARCHAR",
    "usage_class": "VARCHAR",
    "old_price": "DECIMAL(38,12)",
    "new_price": "DECIMAL(38,12)",
    "percent": "DECIMAL(38,6)",
    "per": "VARCHAR",
    "currency": "VARCHAR",
    "valid_from": "VARCHAR",
    "input_over": "BIGINT",
    "from_hour_utc": "VARCHAR",
}


@dataclass(frozen=True)
class Taken:
    """What the price book follows now, and what differs from before."""

    newest: Newest
    difference: Difference


@click.command("update", cls=MeterCommand, short_help="Bring a newer catalogue, and show what it changes.")
@click.option("--file", metavar="PATH", help="Take the catalogue from a file: a data.json of genai-prices, version 2.")
@click.option(
    "--network",
    metavar="[URL]",
    is_flag=False,
    flag_value=OWN_ADDRESS,
    help="Fetch the catalogue; without an address from where genai-prices' own updates come from.",
)
@click.option("--version", metavar="VERSION", help="The version that a file or address is of, where you know it.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--force", is_flag=True, help="Take it in although it is older, or lacks many known models.")
@format_option
def update(file: str | None, network: str | None, version: str | None, dry_run: bool, force: bool, fmt: str) -> None:
    """Bring a newer catalogue into the price book, and show what it changes: from the installed genai-prices, or elsewhere.

    Entries are added, never overwritten: calls in the ledger keep the prices they were priced with. The newest catalogue
    prices calls from then on, until a package of a higher version is installed. Only this command uses the network, and
    only with --network.

    \b
    Examples:
      meter prices update
      meter prices update --file data.json --dry-run
      meter prices update --network --format csv > changed.csv
    """
    _check(file, network, version)
    place = find_settled()
    if not dry_run and not place.may_write_ledger:
        raise MeterError(
            f"the price book in {place.path} may not be written here",
            hint="run it as the agent's user; --dry-run shows",
        )
    text = _text(file, network)
    taken = (_tried if dry_run else _taken)(place, text, version, force)
    _show(taken, fmt)
    if dry_run:
        note("nothing was changed: --dry-run")


def _check(file: str | None, network: str | None, version: str | None) -> None:
    if file is not None and network is not None:
        raise click.UsageError("--file and --network are two places: name one")
    if version is not None and file is None and network is None:
        raise click.UsageError("--version is of a --file or --network; the installed package knows its own")
    if version is not None and not all(part.isdecimal() for part in version.split(".")):
        raise click.UsageError(f"--version {version!r} is no version such as 0.2.3")


def _text(file: str | None, network: str | None) -> Text | None:
    """Return the text to take in, found to be right; None for the installed package."""
    if file is None and network is None:
        return None
    from meter.pricing import catalogue, fetching, reading

    if file is not None:
        path = Path(file).absolute()
        return catalogue.checked(reading.text(path.read_bytes(), str(path)))
    assert network is not None
    url = fetching.default_url() if network == OWN_ADDRESS else network
    note(f"fetching {url}")
    return catalogue.checked(reading.text(fetching.fetch(url), url))


def _taken(place: Home, text: Text | None, version: str | None, force: bool) -> Taken:
    from meter.ledger import Ledger
    from meter.ledger.transaction import transaction
    from meter.ledger.trial import trial
    from meter.pricing import book

    with trial(place) as con:
        before = book.edition(con)  # opening the ledger to write takes in an installed catalogue that is newer
    with Ledger(place).writing() as con:
        if text is not None and (known := book.edition(con)) != before:
            note("the installed genai-prices was newer than the price book, and was taken in first")
            before = known
        with transaction(con):
            taken = _take(con, before, text, version, force)
        con.execute("CHECKPOINT")  # a text is packed only in the file, and whoever opens it next replays no WAL
        return taken


def _tried(place: Home, text: Text | None, version: str | None, force: bool) -> Taken:
    from meter.ledger.trial import trial
    from meter.pricing import book, refresh

    with trial(place) as con:
        before = book.edition(con)
        if text is not None:
            refresh(con)
            before = book.edition(con)
        return _take(con, before, text, version, force)


def _take(con: DuckDBPyConnection, before: int, text: Text | None, version: str | None, force: bool) -> Taken:
    from meter.pricing import updating
    from meter.pricing.difference import difference

    if text is None:
        updating.take_package(con, force=force)
    else:
        updating.take_text(con, text, version=version, force=force)
    newest = updating.newest(con)
    assert newest is not None
    return Taken(newest, difference(con, before, newest.edition))


def _show(taken: Taken, fmt: str) -> None:
    say = print if fmt == "table" else note
    say(_summary(taken))
    changes = taken.difference.changes
    shown = changes[:LISTED] if fmt == "table" else changes
    result = Result(list(COLUMNS), list(COLUMNS.values()), [_row(change) for change in shown])
    if fmt != "table" or shown:
        show_report(without_blanks(result) if fmt == "table" else result, fmt)
    if len(shown) < len(changes):
        note(f"{plural(len(changes) - len(shown), 'more price')}: --format csv lists all")
    if freed := {(c.provider, c.model) for c in changes if c.old_price and c.new_price == 0}:
        note(
            f"{plural(len(freed), 'model')} had a price and would be free: {'/'.join(min(freed))} the first; is that so?"
        )
    now = datetime.now(timezone.utc)
    if any(
        change.change == "changed" and (change.valid_from is None or change.valid_from <= now) for change in changes
    ):
        note("calls in the ledger keep their prices; to price them anew: meter reprice")


def _summary(taken: Taken) -> str:
    models, newest = taken.difference.models, taken.newest
    if not models:
        return f"nothing new: the price book has {newest}, recorded on {newest.recorded_on}"
    counts = f"{plural(models.get('added', 0), 'model')} added, {models.get('removed', 0):,} removed"
    prices = plural(len(taken.difference.changes), "price")
    return f"{counts}, {models.get('changed', 0):,} changed ({prices}): {newest}"


def _row(change: Change) -> list[object]:
    return [
        change.change,
        change.provider,
        change.model,
        change.conditions,
        change.usage_class,
        quoting.quoted(change.usage_class, change.old_price),
        quoting.quoted(change.usage_class, change.new_price),
        change.percent,
        quoting.per(change.usage_class),
        change.currency,
        quoting.day(change.valid_from),
        change.input_over,
        None if change.day_from_s is None else quoting.clock(change.day_from_s),
    ]
