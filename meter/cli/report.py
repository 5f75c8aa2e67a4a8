"""`meter report`: the month's reports. Each is a file in queries/reports; there is no code for any of them here."""

from __future__ import annotations

from collections.abc import Mapping

import click

from meter import queries
from meter.cli.app import INCOMPLETE, MeterCommand
from meter.cli.currency import chosen, currency_option
from meter.cli.opening import local_now, reading
from meter.cli.output import format_option, note, show, show_report, strict_option
from meter.errors import QueryInvalid
from meter.queries import Query
from meter.report import conversion, period, run
from meter.report.known import summary
from meter.report.table import Result


@click.command("report", cls=MeterCommand)
@click.argument("name", required=False)
@click.option("--month", help="A month such as 2026-10.  [default: the last complete month]")
@click.option("--since", help="In place of a month: 30d, 12h, 2w, or a day such as 2026-10-01.")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the report; may be repeated."
)
@currency_option
@format_option
@strict_option
def command(
    name: str | None,
    month: str | None,
    since: str | None,
    params: tuple[str, ...],
    currency: str | None,
    fmt: str,
    strict: bool,
) -> int:
    """Print a report on a month. Without a name: the list of reports.

    \b
    Examples:
      meter report
      meter report chargeback
      meter report chargeback --currency EUR
      meter report chargeback --month 2026-10 --format csv > chargeback.csv
      meter report spend --param by=customer
    """
    if name is None:
        show(_list(), fmt)
        return 0
    if since is not None and month is not None:
        raise click.UsageError("--since and --month exclude each other")
    query = queries.get("reports", name)
    values = dict(_pair(text) for text in params)
    target = _currency(query, values, currency)
    with reading() as connection:
        now = local_now(connection)
        span = period.month(month, now) if since is None else period.since(since, now)
        found = run.run(connection, query, span, values | conversion.values(target))
        found.title = f"{query.title}, {span.title}"
        show_report(found, fmt)
        known = summary(connection, span, target)
        rates = conversion.sentences(connection, span, target)
    for line in (known.sentence(span.title), *rates):
        note(line)
    return INCOMPLETE if strict and known.is_incomplete else 0


def _list() -> Result:
    found = [
        (
            query.name,
            query.title,
            query.about,
            ", ".join(param.name for param in query.params if param.name not in BOUNDS),
        )
        for query in queries.load("reports")
    ]
    return Result(["report", "title", "about", "param"], ["VARCHAR"] * 4, found)


BOUNDS = ("from", "to", conversion.PARAM)
"""What options say, each in its own words."""


def _currency(query: Query, values: Mapping[str, str], asked: str | None) -> str | None:
    """Return what the report is converted to. One that knows no currency, or is asked for one by --param, has no default."""
    if asked is None and conversion.PARAM in values:
        return chosen(values[conversion.PARAM])
    takes = conversion.PARAM in {param.name for param in query.params}
    if asked is None and (not takes or "currency" in values):
        return None
    target = chosen(asked)
    if target and not takes:
        raise QueryInvalid(
            f"the report {query.name} is not converted: an amount in it stays in its own currency",
            hint="leave --currency out",
        )
    return target


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--param")
    return name.strip(), value.strip()
