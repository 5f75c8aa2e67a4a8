"""`meter ingest`: what services recorded, into the ledger."""

from __future__ import annotations

import time

import click

from meter.cli.app import INCOMPLETE, MeterCommand
from meter.cli.opening import find_writable, tell_terms_after
from meter.cli.output import note
from meter.cli.progress import bar
from meter.ledger import Ledger, ingest, tidy
from meter.report.numbers import plural, size


@click.command("ingest", cls=MeterCommand)
def command() -> int:
    """Move everything that services recorded from the spool into the ledger, exactly once, priced.

    Commands that read do this by themselves for a tenth of a second; the agent does it on a clock. While meter.toml has a
    fault, calls are priced as its last sound version said, and the exit code is 3.

    \b
    Example:
      meter ingest && meter status
    """
    ledger = Ledger(find_writable())
    began = time.monotonic()
    with bar("ingest", of_bytes=True) as progress:
        done = ingest(ledger, progress=progress)
    took = time.monotonic() - began
    print(f"{plural(done.calls, 'call')}, {plural(done.outcomes, 'outcome')} from {size(done.bytes)} in {took:.1f} s")
    if done.duplicates:
        note(f"{plural(done.duplicates, 'line')} had been ingested before and were left out")
    if done.dead_letters:
        note(f"{plural(done.dead_letters, 'line')} could not be read: meter status")
    if done.lag_bytes:
        note(f"{size(done.lag_bytes)} came meanwhile and wait")
    if gone := tidy(ledger):
        note(f"METER_RAW_DAYS: the verbatim usage of {plural(gone, 'call')} was deleted; the calls stay")
    return INCOMPLETE if tell_terms_after(ledger, done) else 0
