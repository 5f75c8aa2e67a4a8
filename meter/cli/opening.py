"""The ledger for a command that reads: ingest for a moment, say what still waits, then read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from meter import home as homes
from meter.cli import faults
from meter.cli.output import note
from meter.errors import LedgerMissing, LedgerTooNew, MeterError, SettingInvalid
from meter.home import Home
from meter.ledger import Ingested, Ledger, ingest
from meter.ledger.store import in_memory
from meter.report import period
from meter.report.numbers import age, size

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HOPELESS = (LedgerTooNew, SettingInvalid)
"""With these, reading will not work either: one message is enough."""

READ_BUDGET_S = 0.1
"""A command that reads gives the spool this long; what is left over is told, not waited for."""


def find() -> Home:
    """Return the home in force. Raises SettingInvalid where it cannot be one, or METER_CONFIG names no file."""
    place = homes.find()
    homes.check(place)
    return place


def find_settled() -> Home:
    """Return the home in force, for a command that may find nothing to do. Raises SettingInvalid for its time zone, too."""
    place = find()
    in_memory(place).close()
    return place


def find_writable() -> Home:
    """Return the home in force, for a command that ingests, whatever meter.toml says. Raises MeterError where nobody can."""
    place = find()
    if place.is_read_only:
        raise MeterError(
            f"{place.ledger.parent} may not be written, so nothing can be ingested there",
            hint="run this as the user, or on the machine, that may write there",
        )
    return place


def find_ledger() -> Home:
    """Return the home of a ledger that is there, for a command that rewrites it.

    Raises LedgerMissing, MeterError; SettingInvalid where the time zone is not known for sure: months would have other bounds.
    """
    place = find_writable()
    in_memory(place).close()
    if not place.ledger.exists():
        raise _missing(place)
    if not place.may_write_ledger:
        raise MeterError(f"only the agent writes the shared ledger in {place.path}", hint="run it as the agent's user")
    return place


@contextmanager
def reading() -> Iterator[DuckDBPyConnection]:
    """Hand out a read-only connection on the views, after a short ingest.

    Raises LedgerMissing when nothing has ever been recorded here.
    """
    place = find()
    ledger = Ledger(place)
    freshen(ledger)
    if not place.ledger.exists():
        raise _missing(place)
    with ledger.reading() as connection:
        tell_terms(ledger)
        yield connection


def _missing(place: Home) -> LedgerMissing:
    return LedgerMissing(
        f"nothing has been recorded in {place.path} yet",
        hint="put `import meter.auto` into a service, or try: meter demo",
    )


def freshen(ledger: Ledger) -> None:
    """Ingest for a moment and tell what the answer will not hold. What hinders it is told too: old figures beat none."""
    place = ledger.home
    if not place.spool.is_dir():
        return
    if not place.may_write_ledger:
        why = "it may not be written here" if place.is_read_only else "only the agent writes this shared ledger"
        note(f"as of {_ledger_age(place)} ago: {why}")
        return
    try:
        left = ingest(ledger, budget_s=READ_BUDGET_S).lag_bytes
    except HOPELESS:
        raise
    except faults.expected() as error:
        note(f"without what waits in the spool: {faults.sentence(error)[0]}")
        return
    if left:
        note(f"without {size(left)} that wait in the spool; for all of it, first: meter ingest")


def tell_terms(ledger: Ledger) -> bool:
    """Tell what became of meter.toml's contracts; return whether they were refused."""
    if ledger.refused is not None:
        note(f"{ledger.refused.message}: {ledger.refused.hint}. Until then what its last sound version said holds")
    elif ledger.has_new_terms:
        note(
            "new contracts or aliases hold for calls from now on; for earlier ones: meter reprice --since DAY --dry-run"
        )
    if ledger.has_other_months:
        note(
            "a volume tier, commitment or fee is changed or gone, for past months too: meter report adjustments; to leave "
            "those as they were, end the old contract with `to` and begin another"
        )
    return ledger.refused is not None


def tell_terms_after(ledger: Ledger, done: Ingested) -> bool:
    """Do the same after an ingest; where nothing waited, nobody has looked at meter.toml yet."""
    if not done.lines:
        ledger.review()
    return tell_terms(ledger)


def local_now(connection: DuckDBPyConnection) -> datetime:
    """Return this moment in the ledger's time zone."""
    row = connection.execute("SELECT current_setting('TimeZone')").fetchone()
    assert row is not None
    return datetime.now(timezone.utc).astimezone(period.zone(str(row[0])))


def _ledger_age(place: Home) -> str:
    try:
        return age(datetime.now(timezone.utc).timestamp() - place.ledger.stat().st_mtime)
    except FileNotFoundError:
        return "nothing"
