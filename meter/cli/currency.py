"""The currency of a report: what `--currency` says, else `[currencies] report` in meter.toml, else each amount's own."""

from __future__ import annotations

import click

from meter.cli.opening import find
from meter.errors import QueryInvalid

OWN = "own"
"""For each amount's own currency, where meter.toml has another default."""

currency_option = click.option(
    "--currency",
    metavar="CODE",
    help="Convert to this currency at the rate of each call's day, such as EUR; own leaves amounts in theirs."
    "  [default: report in meter.toml's [currencies], else own]",
)


def chosen(asked: str | None) -> str | None:
    """Return the code of the currency to convert to; None leaves amounts in their own.

    Raises QueryInvalid for a code that is none, SettingInvalid for a meter.toml whose currencies cannot be read.
    """
    from meter.pricing import exchange, iso4217

    if asked is None:
        return exchange.read(find().config).report
    if asked.lower() == OWN:
        return None
    try:
        return iso4217.code(asked)
    except ValueError as error:
        raise QueryInvalid(f"--currency: {error}", hint="for instance: --currency EUR") from error
