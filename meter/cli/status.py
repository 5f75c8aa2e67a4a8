"""`meter status`: how recording and ingest are doing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone

import click

from meter.cli import faults
from meter.cli.app import MeterCommand
from meter.cli.opening import find, freshen, tell_terms
from meter.cli.output import facts, format_option, show
from meter.ledger import Ledger
from meter.report.numbers import age, plural, share, size
from meter.report.status import Ledgered, Status, spool_limit, status
from meter.report.table import Result


@click.command("status", cls=MeterCommand)
@format_option
def command(fmt: str) -> int:
    """Show the spool and its lag, what was lost or could not be read, the unpriced share, and who holds the ledger.

    Exits with 1 when the ledger cannot be read.

    \b
    Examples:
      meter status
      meter status --format json
    """
    ledger = Ledger(place := find())
    with suppress(*faults.expected()):  # the ledger's row says so
        freshen(ledger)
        ledger.review()
    found = status(place)
    tell_terms(ledger)
    if fmt == "table":
        facts(_rows(found))
    else:
        show(_row(found), fmt)
    return 1 if found.problem else 0


def _rows(found: Status) -> Iterator[tuple[str, str]]:
    place = found.home
    yield "home", f"{place.path} ({'shared' if place.shared else 'private'})"
    if place.fallback:
        yield "", place.fallback
    unreadable = f"; {plural(found.unreadable, 'segment')} may not be read" if found.unreadable else ""
    yield (
        "spool",
        f"{plural(len(found.found), 'segment')}, {found.writing} being written, "
        f"{size(found.spool_bytes)} of {size(spool_limit())}{unreadable}",
    )
    yield "lag", _lag(found)
    yield "lost", f"{plural(found.lost, 'record')} could not be written" if found.lost else "nothing"
    if found.failures:
        steps = ", ".join(f"{step} {count:,} ×" for step, count in found.failures.most_common(5))
        yield "failures", f"{steps} (meter doctor)"
    if found.unmetered:
        who = ", ".join(f"{server} {count:,} ×" for server, count in found.unmetered.most_common(5))
        yield "unmetered", f"{who} (meter doctor)"
    if found.problem:
        yield "ledger", f"{found.problem.message}"
    elif found.ledger is None:
        yield "ledger", "none yet: the first ingest makes it"
    else:
        yield from _ledger_rows(found, found.ledger)
    yield "held by", ", ".join(f"{one.pid} ({one.command or 'unknown'})" for one in found.holders) or "nobody"


def _ledger_rows(found: Status, ledger: Ledgered) -> Iterator[tuple[str, str]]:
    last = f"; last ingest {_ago(ledger.last_ingest)} ago" if ledger.last_ingest else ""
    yield "ledger", f"{size(found.ledger_bytes)}, schema {ledger.schema}{last}"
    again = f"; {plural(ledger.duplicates, 'line')} seen before and left out" if ledger.duplicates else ""
    yield "calls", f"{ledger.calls:,}; {plural(ledger.outcomes, 'outcome')}{again}"
    letters = f'{ledger.dead_letters:,} (meter sql "FROM ledger.dead_letters")' if ledger.dead_letters else "none"
    yield "dead letters", letters
    unpriced = f'{share(ledger.unpriced_share)} of the calls (meter sql "FROM unpriced")'
    yield "unpriced", unpriced if ledger.unpriced_share else "none"


def _lag(found: Status) -> str:
    if found.lag_bytes is None:
        return "unknown while the ledger cannot be read"
    if not found.lag_bytes:
        return "none"
    since = f", the oldest for {_ago(found.waiting_since)}" if found.waiting_since else ""
    return f"{size(found.lag_bytes)} wait{since} (meter ingest)"


def _ago(moment: datetime) -> str:
    return age((datetime.now(timezone.utc) - moment).total_seconds())


def _row(found: Status) -> Result:
    ledger = found.ledger
    since = (datetime.now(timezone.utc) - found.waiting_since).total_seconds() if found.waiting_since else None
    values: list[tuple[str, str, object]] = [
        ("home", "VARCHAR", str(found.home.path)),
        ("shared", "BOOLEAN", found.home.shared),
        ("segments", "BIGINT", len(found.found)),
        ("segments_being_written", "BIGINT", found.writing),
        ("unreadable_segments", "BIGINT", found.unreadable),
        ("spool_bytes", "BIGINT", found.spool_bytes),
        ("spool_max_bytes", "BIGINT", spool_limit()),
        ("lag_bytes", "BIGINT", found.lag_bytes),
        ("lag_s", "DOUBLE", since),
        ("lost", "BIGINT", found.lost),
        ("failures", "MAP(VARCHAR, BIGINT)", dict(found.failures)),
        ("unmetered", "MAP(VARCHAR, BIGINT)", dict(found.unmetered)),
        ("ledger_bytes", "BIGINT", found.ledger_bytes),
        ("ledger_schema", "INTEGER", ledger and ledger.schema),
        ("last_ingest", "TIMESTAMP WITH TIME ZONE", ledger and ledger.last_ingest),
        ("calls", "BIGINT", ledger and ledger.calls),
        ("outcomes", "BIGINT", ledger and ledger.outcomes),
        ("duplicates", "BIGINT", ledger and ledger.duplicates),
        ("dead_letters", "BIGINT", ledger and ledger.dead_letters),
        ("unpriced_share", "DOUBLE", ledger and ledger.unpriced_share),
        ("held_by", "BIGINT[]", [one.pid for one in found.holders]),
        ("problem", "VARCHAR", found.problem and found.problem.message),
    ]
    return Result([name for name, *_ in values], [kind for _, kind, _ in values], [[value for *_, value in values]])
