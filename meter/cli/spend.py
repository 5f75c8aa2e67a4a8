"""`meter spend`: where the money went, for people who write no SQL."""

from __future__ import annotations

import click

from meter.cli.app import INCOMPLETE, MeterCommand
from meter.cli.currency import chosen, currency_option
from meter.cli.opening import local_now, reading
from meter.cli.output import format_option, note, show_report, strict_option
from meter.errors import QueryInvalid
from meter.report import conversion, period, run
from meter.report.known import summary


@click.command("spend", cls=MeterCommand)
@click.option(
    "--by", default="team,model", show_default=True, help="What to group by: columns of calls, or keys of tags."
)
@click.option("--since", help="From then to now: 30d, 12h, 2w, or a day such as 2026-10-01.  [default: 30d]")
@click.option("--month", help="A month such as 2026-10, in place of --since.")
@currency_option
@format_option
@strict_option
def command(by: str, since: str | None, month: str | None, currency: str | None, fmt: str, strict: bool) -> int:
    """Spend by team, model or any tag, largest first.

    Columns are provider, model, request_model, response_model, priced_model, model_developer, service, host, operation, api,
    account, project, key, key_id, region, deployment, server_address, tier, service_tier, stream, status, error_type,
    price_status, usage_source, hour, day and month; any other name is the key of a tag.

    \b
    Examples:
      meter spend
      meter spend --by feature,customer --month 2026-10
      meter spend --month 2026-10 --currency EUR
      meter spend --by day,provider --since 7d --format csv > spend.csv
    """
    if since is not None and month is not None:
        raise click.UsageError("--since and --month exclude each other")
    names = [name.strip() for name in by.split(",") if name.strip()]
    if not names:
        raise QueryInvalid("--by names nothing to group by", hint="for instance: --by team,model")
    target = chosen(currency)
    with reading() as connection:
        now = local_now(connection)
        span = period.since("30d" if since is None else since, now) if month is None else period.month(month, now)
        found = run.spend(connection, span, names, target)
        found.title = f"Spend by {', '.join(names)}, {span.title}"
        show_report(found, fmt)
        known = summary(connection, span, target)
        rates = conversion.sentences(connection, span, target)
    for name in run.untagged(found, names):
        note(f"no call has the tag {name!r}; columns to group by are in: meter spend --help")
    for line in (known.sentence(span.title), *rates):
        note(line)
    return INCOMPLETE if strict and known.is_incomplete else 0
