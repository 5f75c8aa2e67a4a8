"""`meter reprice`: calls that are in the ledger, with the prices that are known now."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

import click

from meter.cli.app import MeterCommand
from meter.cli.opening import find_writable, local_now
from meter.cli.output import format_option, note, show_report
from meter.cli.progress import bar
from meter.errors import LedgerMissing, MeterError, PeriodClosed, QueryInvalid
from meter.home import Home
from meter.ledger import Ledger
from meter.ledger.repricing import Closed, Difference, Scope, measure, write
from meter.ledger.repricing.closed import refuse
from meter.ledger.repricing.scope import last_moment
from meter.report import period
from meter.report.numbers import money, plural
from meter.report.table import Result, without

DEFAULT_REASON = "prices as known then"
COSTS = ("list", "contracted", "effective")


@click.command("reprice", cls=MeterCommand)
@click.option("--since", required=True, help="Calls from then on: a day such as 2026-10-01, or 30d, 12h, 2w.")
@click.option("--until", metavar="DAY", help="Up to but without this day.  [default: all since]")
@click.option("--model", metavar="GLOB", help='Only models like this, as reports name them: "claude-*".')
@click.option("--provider", metavar="NAME", help="Only this provider's calls.")
@click.option("--reason", metavar="TEXT", help="Why; it stands in the revision.")
@click.option("--dry-run", is_flag=True, help="Show the difference and change nothing.")
@click.option("--adjust", is_flag=True, help="Book what differs in closed months in the open month.")
@click.option("--yes", is_flag=True, help="Write without asking; needed where nobody can be asked.")
@format_option
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
    if not (dry_run or yes or sys.stdin.isatty()):
        raise MeterError(
            "nobody can be asked here whether to write the revision",
            hint="look at it with --dry-run, then write it with --yes",
        )
    ledger = Ledger(_own())
    scope = _scope(ledger, since, until, model, provider)
    written = Written(_who(), reason or DEFAULT_REASON, adjust)
    if yes and not dry_run:
        _write(ledger, scope, written, fmt)
        return
    with bar("priced anew") as progress:
        found = measure(ledger, scope, progress)
    _show(found, fmt)
    if dry_run:
        _tell_closed(found.closed)
        note(f"nothing was written: {_sentence(found)}")
        return
    refuse(found.closed, adjust=adjust)
    if found.is_nothing(adjust=adjust):
        note(f"nothing to change: {_sentence(found)}")
    elif click.confirm(f"{_sentence(found)}. Write that as a revision?", err=True):
        _write(ledger, scope, written, fmt, found)
    else:
        note("nothing was written")


def _own() -> Home:
    """Return the home in force. Raises MeterError where another writes its ledger."""
    place = find_writable()
    if place.path.exists() and not place.may_write_ledger:
        raise MeterError(f"only the agent writes the shared ledger in {place.path}", hint="run it as the agent's user")
    return place


class Written(NamedTuple):
    """What a revision says of itself, and whether closed months are booked."""

    who: str
    why: str
    adjust: bool


def _write(ledger: Ledger, scope: Scope, said: Written, fmt: str, shown: Difference | None = None) -> None:
    """Write the revision; show what it changed, unless that was shown before."""
    with bar("priced anew") as progress:
        found, done = write(ledger, scope, shown, **said._asdict(), progress=progress)
    if shown is None:
        _show(found, fmt)
    if done is None:
        note(f"nothing to change: {_sentence(found)}")
        return
    booked = f", {plural(done.adjustments, 'adjustment')} booked" if done.adjustments else ""
    note(f"revision {done.revision_id}: {plural(done.calls, 'call')} priced anew{booked}; {_sentence(found)}")


def _scope(ledger: Ledger, since: str, until: str | None, model: str | None, provider: str | None) -> Scope:
    """Return what is to be priced anew. Raises QueryInvalid for days that are none or the wrong way round."""
    if not ledger.home.ledger.exists():
        raise LedgerMissing(
            f"nothing has been recorded in {ledger.home.path} yet",
            hint="put `import meter.auto` into a service, or try: meter demo",
        )
    with ledger.reading() as connection:
        now = local_now(connection)
        start = period.since(since, now).start
        end = _end(until, now) if until is not None else last_moment(connection, now)
    if end <= start:
        raise QueryInvalid(
            f"--until {until or 'now'} is not after --since {since}", hint="--until is the first day that is left out"
        )
    return Scope(start, end, model, provider)


def _end(until: str, now: datetime) -> datetime:
    assert now.tzinfo is not None
    return period.start_of_day(until, now.tzinfo)


def _show(found: Difference, fmt: str) -> None:
    """Print the difference. People see a cost once where it is the same as the next; machines get every column."""
    if not found.rows and fmt == "table":
        return
    result = Result(found.columns, found.types, found.rows, "What repricing changes")
    show_report(without(result, _repeated(found)) if fmt == "table" else result, fmt)


def _repeated(found: Difference) -> set[int]:
    """Return the places of columns that say in every row what others say: nothing closed, list and contracted as effective."""
    columns = list(found.columns)

    def places(cost: str) -> list[int]:
        return [columns.index(name) for name in (f"old_{cost}_cost", f"new_{cost}_cost", f"{cost}_difference")]

    def values(row: Sequence[Any], cost: str) -> list[Any]:
        return [row[place] for place in places(cost)]

    repeated = {columns.index("is_closed")} if not found.in_closed else set()
    for cost, following in pairwise(COSTS):
        if all(values(row, cost) == values(row, following) for row in found.rows):
            repeated.update(places(cost))
    return repeated


def _sentence(found: Difference) -> str:
    """Say how many calls of how many differ, and by how much in all."""
    differ = found.changed + found.in_closed
    if not differ:
        return f"{_priced(found.looked_at)} as before" if found.looked_at else "no call was chosen"
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    sums = []
    for currency in sorted({row["currency"] for row in rows}):
        old, new = (
            sum((row[name] or Decimal(0) for row in rows if row["currency"] == currency), Decimal(0))
            for name in ("old_effective_cost", "new_effective_cost")
        )
        sums.append(f"{money(old)} → {money(new)} {currency}")
    return (
        f"{plural(differ, 'call')} of {found.looked_at:,} {'differs' if differ == 1 else 'differ'}, {', '.join(sums)}"
    )


def _priced(calls: int) -> str:
    return f"{plural(calls, 'call')} {'is' if calls == 1 else 'are'} priced"


def _tell_closed(found: Sequence[Closed]) -> None:
    """Say what a dry run would be refused for."""
    try:
        refuse(found, adjust=False)
    except PeriodClosed as error:
        note(f"{error.message}; {error.hint}")


def _who() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"
