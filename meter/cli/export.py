"""`meter export`: old months out of the ledger into Parquet files, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timezone
from pathlib import Path

import click

from meter.cli.app import MeterCommand
from meter.cli.opening import find_ledger, reading
from meter.cli.output import format_option, note, show_report
from meter.cli.progress import bar
from meter.home import Home
from meter.ledger import Ledger, exporting
from meter.ledger.exporting import Moved
from meter.report import period, run
from meter.report.numbers import plural, size

COLD = """
SELECT strftime(month, '%Y-%m') AS month, calls, effective_cost, bytes, path
FROM ledger.cold_months
WHERE state = 'cold'
ORDER BY month
"""
BESIDE_THE_LEDGER = "-"


@click.command("export", cls=MeterCommand)
@click.option(
    "--parquet",
    "folder",
    is_flag=False,
    flag_value=BESIDE_THE_LEDGER,
    metavar="[FOLDER]",
    help="Write a Parquet file for each month; without a FOLDER to cold/ beside the ledger.",
)
@click.option("--before", metavar="MONTH", help="Months before this one, such as 2026-01. A month must be over.")
@click.option("--copy", is_flag=True, help="Write the view calls to files, and leave the ledger as it is.")
@click.option("--restore", metavar="MONTH", help="Take a month back into the ledger, and remove its file.")
@click.option("--forget", metavar="MONTH", help="Go on without a month whose file is lost for good.")
@format_option
def command(
    folder: str | None, before: str | None, copy: bool, restore: str | None, forget: str | None, fmt: str
) -> None:
    """Move the calls of old months into Parquet files, one a month; views and reports read on as before.

    Each file is compared with the ledger to the last digit before its rows leave it, with their verbatim usage unless
    METER_RAW_DAYS is set. The ledger's file then shrinks with: meter compact. Without options: the months that were moved.

    \b
    Examples:
      meter export --parquet --before 2026-01
      meter export --parquet /archive/meter --before 2026-01
      meter export --restore 2025-11
      meter export --parquet ./for-finance --before 2026-01 --copy
    """
    chosen = [name for name, given in (("--parquet", folder), ("--restore", restore), ("--forget", forget)) if given]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)} exclude each other")
    if (before is None) != (folder is None) or (copy and folder in (None, BESIDE_THE_LEDGER)):
        raise click.UsageError("--parquet goes with --before MONTH; --copy goes with --parquet FOLDER --before MONTH")
    if folder is not None and before is not None:
        _export(find_ledger(), folder, before, copy=copy)
    elif restore is not None:
        place = find_ledger()
        moved = exporting.bring_back(Ledger(place), _month(restore))
        print(f"{restore}: {plural(moved.calls, 'call')} are in the ledger again{_of_file(moved.path)}")
    elif forget is not None:
        place = find_ledger()
        moved = exporting.forget(Ledger(place), _month(forget))
        print(
            f"{forget}: its {plural(moved.calls, 'call')} are in no figure any more; {moved.path} is no longer asked for"
        )
    else:
        with reading() as connection:
            show_report(run.ask(connection, COLD), fmt)


def _export(place: Home, folder: str, before: str, *, copy: bool) -> None:
    ledger = Ledger(place)
    target = (
        place.ledger.parent / exporting.FOLDER if folder == BESIDE_THE_LEDGER else Path(folder).expanduser().absolute()
    )
    limit = _month(before)
    with bar("export") as progress:
        moving = exporting.copy_out if copy else exporting.move_out
        done = list(_told(moving(ledger, target, limit, progress=progress)))
    if not done:
        print(f"nothing to {'copy' if copy else 'move'} before {before}")
    if not copy:
        _say_what_stays(ledger, limit)
        if done:
            note("the ledger's file keeps its size until: meter compact")


def _told(moving: Iterator[Moved]) -> Iterator[Moved]:
    for moved in moving:
        print(f"{moved.month:%Y-%m}: {plural(moved.calls, 'call')}, {size(moved.bytes)} in {moved.path}")
        yield moved


def _of_file(path: Path) -> str:
    """Say what became of the file of a month that is back."""
    if path.exists():
        return f"; {path} could not be removed: nothing reads it any more, so remove it yourself"
    return f"; {path} was removed"


def _say_what_stays(ledger: Ledger, limit: date) -> None:
    with ledger.reading() as connection:
        late = [one for one in exporting.staying(connection, limit) if one.is_cold]
    for one in late:
        are = "is" if one.calls == 1 else "are"
        note(
            f"{one.month:%Y-%m} was moved before; {plural(one.calls, 'call')} of it {are} still in the ledger and counted as"
            " ever: what came later, or belongs to it only by the time zone of now"
            f" (to move them too: meter export --restore {one.month:%Y-%m}, then export again)"
        )


def _month(text: str) -> date:
    return period.month(text, datetime.now(timezone.utc)).start.date()
