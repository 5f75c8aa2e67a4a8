"""The ledger: whether it can be read, what it could not read, and what has no price."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from meter.doctor.finding import Finding, note, ok, wrong
from meter.report.numbers import age, plural, share, size
from meter.report.status import RECENT_DAYS, Status

LATE = timedelta(hours=1)
"""What waits longer than this is in nobody's figures."""


def check_ledger(found: Status) -> Iterator[Finding]:
    """Look at the ledger, its dead letters and its lag."""
    if found.problem:
        yield wrong("ledger", found.problem.message, found.problem.hint or "see meter status")
    elif found.ledger is None:
        yield note("ledger", "none yet", "the first meter ingest, or any command that reads, makes it")
    else:
        yield ok(
            "ledger", f"schema {found.ledger.schema}, {plural(found.ledger.calls, 'call')}, {size(found.ledger_bytes)}"
        )
        yield from _contents(found)
    yield from _lag(found)


def _contents(found: Status) -> Iterator[Finding]:
    assert found.ledger is not None
    if letters := found.ledger.dead_letters_recently:
        yield wrong(
            "dead letters",
            f"{plural(letters, 'line')} could not be read in {RECENT_DAYS} days",
            'meter sql "SELECT segment, position, reason FROM ledger.dead_letters"',
        )
    if found.ledger.unpriced_share:
        detail = f"{share(found.ledger.unpriced_share)} of the calls have no full price"
        yield note("unpriced", detail, 'meter sql "FROM unpriced" lists their models')
    if ahead := found.ledger.ahead:
        lie = "lies" if ahead == 1 else "lie"
        detail = f"{plural(ahead, 'call')} {lie} in the future, and in no report until then"
        mend = 'set the clock of: meter sql "SELECT host, count(*) FROM calls WHERE started_at > now() GROUP BY host"'
        yield note("clocks", detail, mend)


def _lag(found: Status) -> Iterator[Finding]:
    if not found.lag_bytes or found.waiting_since is None:
        return
    waited = datetime.now(timezone.utc) - found.waiting_since
    detail = f"{size(found.lag_bytes)} wait in the spool, the oldest for {age(waited.total_seconds())}"
    if waited > LATE:
        yield wrong("lag", detail, "run meter ingest, or see why the agent does not")
    else:
        yield note("lag", detail)
