"""`meter report`: the month's reports. Each is a file in queries/reports; there is no code for any of them here."""

from __future__ import annotations

import click

from meter import queries
from meter.cli.app import INCOMPLETE, MeterCommand
from meter.cli.opening import local_now, reading
from meter.cli.output import format_option, note, show, show_report, strict_option
from meter.report import period, run
from meter.report.known import summary
from meter.report.table import Result


@click.command("report", cls=MeterCommand)
@click.argument("name", required=False)
@click.option("--month", help="A month such as 2026-10.  [default: the last complete month]")
@click.option("--since", help="In place of a month: 30d, 12h, 2w, or a day such as 2026-10-01.")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the report; may be repeated."
)
@format_option
@strict_option
def command(
    name: str | None, month: str | None, since: str | None, params: tuple[str, ...], fmt: str, strict: bool
) -> int:
    """Print a report on a month. Without a name: the list of reports.

    \b
    Examples:
      meter report
      meter report chargeback
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
    with reading() as connection:
        now = local_now(connection)
        span = period.month(month, now) if since is None else period.since(since, now)
        found = run.run(connection, query, span, values)
        found.title = f"{query.title}, {span.title}"
        show_report(found, fmt)
        known = summary(connection, span)
    note(known.sentence(span.title))
    return INCOMPLETE if strict and known.unpriced else 0


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


BOUNDS = ("from", "to")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--param")
    return name.strip(), value.strip()
