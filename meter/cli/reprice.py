"""`meter reprice`: calls that are in the ledger, with the prices that are known now."""

from __future__ import annotations

import click

from meter.cli.app import MeterCommand
from meter.cli.revising import Asked, must_be_answered, own, revise, scope_options
from meter.ledger import Ledger

DEFAULT_REASON = "prices as known then"


@click.command("reprice", cls=MeterCommand)
@click.option("--since", required=True, help="Calls from then on: a day such as 2026-10-01, or 30d, 12h, 2w.")
@scope_options
@click.option("--adjust", is_flag=True, help="Book what differs in closed months in the open month.")
def command(
    since: str,
    until: str | None,
    model: str | None,
    provider: str | None,
    reason: str | None,
    dry_run: bool,
    adjust: bool,
    yes: bool,
    fmt: str,
) -> None:
    """Price calls anew, with the price book and the contracts as they are known now.

    A call is priced with what held when it started. The difference is shown by month, team and model, and written as one
    revision: who, when, why, and the cards before and after. Calls that do not differ stay as they are. A closed month is never
    rewritten; --adjust books its difference in the open one.

    \b
    Examples:
      meter reprice --since 2026-10-01 --dry-run
      meter reprice --since 2026-10-15 --model "claude-*" --reason "new contract"
      meter reprice --since 2026-09-01 --until 2026-10-01 --adjust --yes
    """
    must_be_answered(dry_run=dry_run, yes=yes)
    asked = Asked(since, until, model, provider, reason or DEFAULT_REASON, dry_run, yes, adjust)
    revise(Ledger(own()), asked, fmt)
