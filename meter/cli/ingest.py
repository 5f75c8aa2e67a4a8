"""`meter ingest`: what services recorded, into the ledger."""

from __future__ import annotations

import time
from collections.abc import Callable

import click
from click.core import ParameterSource

from meter.cli.app import INCOMPLETE, MeterCommand
from meter.cli.opening import tell_terms_after
from meter.cli.output import note
from meter.cli.progress import bar
from meter.cli.revising import Asked, must_be_answered, own, revise, scope_options
from meter.ledger import Ledger, ingest, tidy
from meter.report.numbers import plural, size

REREAD = "usage as understood now"


@click.command("ingest", cls=MeterCommand)
@click.option("--reread", is_flag=True, help="Then read the usage of calls that are in the ledger again.")
@click.option("--since", metavar="DAY", help="Reread: calls from then on.  [default: all]")
@scope_options
@click.pass_context
def command(
    ctx: click.Context,
    reread: bool,
    since: str | None,
    until: str | None,
    model: str | None,
    provider: str | None,
    reason: str | None,
    dry_run: bool,
    yes: bool,
    fmt: str,
) -> int:
    """Move everything that services recorded from the spool into the ledger, exactly once, priced.

    Commands that read do this by themselves for a tenth of a second; the agent does it on a clock. While meter.toml has a
    fault, calls are priced as its last sound version said, and the exit code is 3.

    The ledger keeps each provider's usage object as it came. When a newer Meter understands one better, --reread reads those of
    the ledger's calls again. What differs is shown and written as a revision, priced as now known; closed months stay. All
    other options belong to it.

    \b
    Examples:
      meter ingest && meter status
      meter ingest --reread --dry-run
      meter ingest --reread --provider gcp.gemini --since 2026-10-01 --yes
    """
    if reread:
        must_be_answered(dry_run=dry_run, yes=yes)
    elif given := [option for option in ctx.command.params if option.expose_value and _is_given(ctx, option)]:
        raise click.UsageError(f"{given[0].opts[0]} belongs to --reread", ctx)
    ledger = Ledger(own())
    code = _ingest(ledger, say=note if reread else print)
    if reread:
        revise(ledger, Asked(since, until, model, provider, reason or REREAD, dry_run, yes, rereads=True), fmt)
    return code


def _is_given(ctx: click.Context, option: click.Parameter) -> bool:
    return ctx.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE


def _ingest(ledger: Ledger, say: Callable[[str], None]) -> int:
    """Ingest, and say what that did; return the exit code."""
    began = time.monotonic()
    with bar("ingest", of_bytes=True) as progress:
        done = ingest(ledger, progress=progress)
    took = time.monotonic() - began
    say(f"{plural(done.calls, 'call')}, {plural(done.outcomes, 'outcome')} from {size(done.bytes)} in {took:.1f} s")
    if done.duplicates:
        note(f"{plural(done.duplicates, 'line')} had been ingested before and were left out")
    if done.dead_letters:
        note(f"{plural(done.dead_letters, 'line')} could not be read: meter status")
    if done.lag_bytes:
        note(f"{size(done.lag_bytes)} came meanwhile and wait")
    if gone := tidy(ledger):
        note(f"METER_RAW_DAYS: the verbatim usage of {plural(gone, 'call')} was deleted; the calls stay")
    return INCOMPLETE if tell_terms_after(ledger, done) else 0
