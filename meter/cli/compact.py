"""`meter compact`: the ledger's file, written anew."""

from __future__ import annotations

import click

from meter.cli.app import MeterCommand
from meter.cli.opening import find_ledger
from meter.cli.progress import bar
from meter.ledger import Ledger
from meter.ledger.compaction import compact
from meter.report.numbers import size


@click.command("compact", cls=MeterCommand)
def command() -> None:
    """Write the ledger's file anew: in the order of time, and without the room that deleted rows left.

    Worth it after months were moved out (meter export), after raw usage was deleted (METER_RAW_DAYS), and when calls of old days
    came late. It needs as much free disk as the new file takes. Other commands wait meanwhile; services record on. Killed at any
    moment, it leaves the ledger as it was.

    \b
    Example:
      meter compact
    """
    place = find_ledger()
    with bar("compact") as progress:
        done = compact(Ledger(place), progress=progress)
    print(f"{size(done.before_bytes)} before, {size(done.after_bytes)} after")
