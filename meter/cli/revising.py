"""Revisions of calls in the ledger: shown, asked for, written. What prices them anew and what reads them again share it."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import click

from meter.cli.opening import find_writable, local_now
from meter.cli.output import format_option, note, show_report
from meter.cli.progress import bar
from meter.errors import LedgerMissing, MeterError, PeriodClosed, QueryInvalid
from meter.home import Home
from meter.ledger import Ledger
from meter.ledger.repricing import Closed, Difference, Rereading, Scope, measure, write
from meter.ledger.repricing.closed import refuse
from meter.ledger.repricing.scope import first_moment, last_moment
from meter.report import period
from meter.report.numbers import count, money, plural
from meter.report.table import Result, without

COSTS = ("list", "contracted", "effective")


@dataclass(frozen=True)
class Asked:
    """What a command was asked for: which calls, how they are revised, and what the revision says of itself."""

    since: str | None
    """By default from the first call in the ledger's table on."""
    until: str | None
    model: str | None
    provider: str | None
    reason: str
    dry_run: bool
    yes: bool
    adjust: bool = False
    rereads: bool = False

    @property
    def done(self) -> str:
        """What happens to a call."""
        return "read again" if self.rereads else "priced anew"

    def rereading(self) -> Rereading | None:
        """Return what reads usage again, if that was asked for."""
        return Rereading() if self.rereads else None


def scope_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose calls and say what happens to them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--until", metavar="DAY", help="Up to but without this day.  [default: all since]"),
    click.option("--model", metavar="GLOB", help='Only models like this, as reports name them: "claude-*".'),
    click.option("--provider", metavar="NAME", help="Only this provider's calls."),
    click.option("--reason", metavar="TEXT", help="Why; it stands in the revision."),
    click.option("--dry-run", is_flag=True, help="Show the difference and change nothing."),
    click.option("--yes", is_flag=True, help="Write without asking; needed where nobody can be asked."),
    format_option,
)


def must_be_answered(*, dry_run: bool, yes: bool) -> None:
    """Raise MeterError where a question would come up that nobody can answer."""
    if not (dry_run or yes or sys.stdin.isatty()):
        raise MeterError(
            "nobody can be asked here whether to write the revision",
            hint="look at it with --dry-run, then write it with --yes",
        )


def own() -> Home:
    """Return the home in force. Raises MeterError where another writes its ledger."""
    place = find_writable()
    if place.path.exists() and not place.may_write_ledger:
        raise MeterError(f"only the agent writes the shared ledger in {place.path}", hint="run it as the agent's user")
    return place


def revise(ledger: Ledger, asked: Asked, fmt: str) -> None:
    """Show what a revision would change, ask, and write it, as far as was asked for."""
    scope = _scope(ledger, asked)
    if asked.yes and not asked.dry_run:
        _write(ledger, scope, asked, fmt)
        return
    rereading = asked.rereading()
    with bar(asked.done) as progress:
        found = measure(ledger, scope, progress, rereading=rereading)
    _show(found, asked, fmt)
    _tell_unread(rereading)
    if asked.dry_run:
        _tell_closed(found.closed, asked)
        note(f"nothing was written: {_sentence(found, rereading)}")
        return
    refuse(found.closed, adjust=asked.adjust, can_adjust=not asked.rereads)
    if found.is_nothing(adjust=asked.adjust):
        note(f"nothing to change: {_sentence(found, rereading)}")
    elif click.confirm(f"{_sentence(found, rereading)}. Write that as a revision?", err=True):
        _write(ledger, scope, asked, fmt, found)
    else:
        note("nothing was written")


def _write(ledger: Ledger, scope: Scope, asked: Asked, fmt: str, shown: Difference | None = None) -> None:
    """Write the revision; show what it changed, unless that was shown before."""
    rereading = asked.rereading()
    with bar(asked.done) as progress:
        found, done = write(
            ledger, scope, shown,
            who=_who(), why=asked.reason, adjust=asked.adjust, progress=progress, rereading=rereading,
        )  # fmt: skip
    if shown is None:
        _show(found, asked, fmt)
        _tell_unread(rereading)
    if done is None:
        note(f"nothing to change: {_sentence(found, rereading)}")
        return
    booked = f", {plural(done.adjustments, 'adjustment')} booked" if done.adjustments else ""
    calls = plural(done.calls, "call")
    note(f"revision {done.revision_id}: {calls} {asked.done}{booked}; {_sentence(found, rereading)}")


def _scope(ledger: Ledger, asked: Asked) -> Scope:
    """Return what is to be revised. Raises QueryInvalid for days that are none or the wrong way round."""
    if not ledger.home.ledger.exists():
        raise LedgerMissing(
            f"nothing has been recorded in {ledger.home.path} yet",
            hint="put `import meter.auto` into a service, or try: meter demo",
        )
    with ledger.reading() as connection:
        now = local_now(connection)
        start = first_moment(connection, now) if asked.since is None else period.since(asked.since, now).start
        end = _end(asked.until, now) if asked.until is not None else last_moment(connection, now)
    if end <= start:
        raise QueryInvalid(
            f"--until {asked.until or 'now'} is not after --since {asked.since or start.date()}",
            hint="--until is the first day that is left out",
        )
    return Scope(start, end, asked.model, asked.provider)


def _end(until: str, now: datetime) -> datetime:
    assert now.tzinfo is not None
    return period.start_of_day(until, now.tzinfo)


def _show(found: Difference, asked: Asked, fmt: str) -> None:
    """Print the difference. People see a cost once where it is the same as the next; machines get every column."""
    if not found.rows and fmt == "table":
        return
    result = Result(
        found.columns, found.types, found.rows, f"What {'reading again' if asked.rereads else 'repricing'} changes"
    )
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


def _tell_unread(rereading: Rereading | None) -> None:
    """Say which usage objects nobody can read."""
    for name, calls in sorted(rereading.unknown.items() if rereading else ()):
        note(f"{plural(calls, 'call')} of {name}: no wire of that name is known, so they stay as they are")


def _sentence(found: Difference, rereading: Rereading | None) -> str:
    """Say how many calls of how many differ, and by how much in all."""
    differ = found.changed + found.in_closed
    if not differ:
        if not found.looked_at:
            return "no call was chosen"
        calls, verb = plural(found.looked_at, "call"), "is" if found.looked_at == 1 else "are"
        if rereading is None:
            return f"{calls} {verb} priced as before"
        return f"{rereading.read:,} of {calls} {'keeps' if rereading.read == 1 else 'keep'} the usage object, and read as before"
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    sums = []
    for currency in sorted({row["currency"] for row in rows if row["currency"] is not None}):
        old, new = (
            sum((row[name] or Decimal(0) for row in rows if row["currency"] == currency), Decimal(0))
            for name in ("old_effective_cost", "new_effective_cost")
        )
        sums.append(f"{money(old)} → {money(new)} {currency}")
    sums += [f"{name} {count(old)} → {count(new)}" for name, old, new in found.usage]
    verb = "differs" if differ == 1 else "differ"
    return ", ".join([f"{plural(differ, 'call')} of {found.looked_at:,} {verb}", *sums])


def _tell_closed(found: Sequence[Closed], asked: Asked) -> None:
    """Say what a dry run would be refused for."""
    try:
        refuse(found, adjust=False, can_adjust=not asked.rereads)
    except PeriodClosed as error:
        note(f"{error.message}; {error.hint}")


def _who() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"
