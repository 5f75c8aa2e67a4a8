"""`meter risk`: this month's spend if providers passed on what they are said to lose. Thin: projections come later."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import click

from meter import queries
from meter.cli.app import INCOMPLETE, MeterCommand
from meter.cli.opening import find, local_now, reading
from meter.cli.output import format_option, note, show_report, strict_option
from meter.report import period
from meter.report.known import summary
from meter.report.table import Result
from meter.risk import Claim, breakeven_multiplier, claims, multipliers

Amount = tuple[Decimal | None, str | None]


@click.command("risk", cls=MeterCommand)
@format_option
@strict_option
def command(fmt: str, strict: bool) -> int:
    """Show what providers are said to earn, and the month's spend so far at the price where they would break even.

    The margins are claims, mostly of the press, with their source and date; [margins] in meter.toml replaces them. The first
    claim of each basis counts: full (all cost) and serving (the cost of inference only).

    \b
    Examples:
      meter risk
      meter risk --format json
    """
    found = claims(find().config)
    query = queries.get("metrics", "spend_risk_adjusted")
    values = {"now": datetime.now(timezone.utc), "multipliers": multipliers(found)}
    with reading() as connection:
        rows = connection.execute(query.sql, query.bind(values)).fetchall()
        span = period.month_to_date(local_now(connection))
        known = summary(connection, span)
    spend: dict[tuple[str, str], list[Amount]] = {}
    for provider, currency, _, scenario, value in rows:
        spend.setdefault((provider, scenario), []).append((value, currency))
    columns = {
        "provider": "VARCHAR",
        "basis": "VARCHAR",
        "margin": "VARCHAR",
        "multiplier": "VARCHAR",
        "risk_adjusted_cost": "DECIMAL(38,12)",
        "currency": "VARCHAR",
        "as_of": "VARCHAR",
        "confidence": "VARCHAR",
        "source": "VARCHAR",
    }
    in_force = [claim for provider in sorted(found) for claim in _first_of_each_basis(found[provider])]
    lines = [_row(claim, amount) for claim in in_force for amount in spend.get(_scenario(claim), [(None, None)])]
    result = Result(list(columns), list(columns.values()), lines)
    result.title = "Spend of the month so far, at break-even prices"
    show_report(result, fmt)
    note(known.sentence(span.title))
    note("margins are claims, not facts; meter.toml [margins] has the last word")
    return INCOMPLETE if strict and known.is_incomplete else 0


def _first_of_each_basis(found: list[Claim]) -> list[Claim]:
    return list({claim.basis: claim for claim in reversed(found)}.values())[::-1]


def _scenario(claim: Claim) -> tuple[str, str]:
    """Return the provider and the scenario, as the metric names it."""
    return claim.provider, f"break_even_{claim.basis}"


def _row(claim: Claim, amount: Amount) -> list[object]:
    multiplier = breakeven_multiplier(claim.margin)
    facts = [claim.as_of or None, claim.confidence, claim.source or None]
    return [claim.provider, claim.basis, f"{claim.margin:f}", f"{multiplier:f}", *amount, *facts]
