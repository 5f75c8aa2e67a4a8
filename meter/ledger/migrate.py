"""Bring the ledger's schema to what this Meter knows: migrations by number, public views, sums by day, price book.

A published migration is never edited; the next change is the next number. Migrations end with a checkpoint: a WAL that holds
definitions can be replayed only by a DuckDB that was started in a certain way, and anyone shall be able to open the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from meter import pricing
from meter.errors import LedgerTooNew
from meter.ledger import cold, days, views
from meter.ledger.transaction import transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HINT = "upgrade spendmeter here, or read it with the version that wrote it"

_VERSION_TABLE = """
CREATE SCHEMA IF NOT EXISTS ledger;
CREATE TABLE IF NOT EXISTS ledger.migrations (version INTEGER NOT NULL, name VARCHAR NOT NULL, applied_at TIMESTAMPTZ NOT NULL);
"""


@dataclass(frozen=True)
class Migration:
    """One step of the schema: migrations/0001_ledger.sql is version 1, named ledger."""

    version: int
    name: str
    sql: str


@lru_cache
def known() -> tuple[Migration, ...]:
    """Return the migrations of this Meter, in order."""
    folder = files("meter.ledger") / "migrations"
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".sql"))
    return tuple(
        Migration(int(name[:4]), name[5:].removesuffix(".sql"), (folder / name).read_text("utf-8")) for name in names
    )


def version(con: DuckDBPyConnection) -> int:
    """Return the schema's version; 0 for a ledger that is not laid out yet."""
    is_laid_out = "SELECT count(*) FROM duckdb_tables() WHERE (database_name, schema_name, table_name) = "
    if con.execute(is_laid_out + "(current_database(), 'ledger', 'migrations')").fetchall() == [(0,)]:
        return 0
    ((found,),) = con.execute("SELECT coalesce(max(version), 0) FROM ledger.migrations").fetchall()
    return int(found)


def check(con: DuckDBPyConnection) -> int:
    """Return the schema's version. Raises LedgerTooNew when this Meter does not know it."""
    found, newest = version(con), known()[-1].version
    if found > newest:
        raise LedgerTooNew(f"the ledger has schema {found}, and this Meter knows schemas up to {newest}", hint=HINT)
    return found


def is_current(con: DuckDBPyConnection) -> bool:
    """Tell whether nothing is to be done before reading. Raises LedgerTooNew."""
    return check(con) == known()[-1].version and views.are_installed(con) and days.are_kept(con)


def migrate(con: DuckDBPyConnection) -> None:
    """Apply what is missing. Each migration is one transaction, so a kill between two loses nothing."""
    found = check(con)
    pending = [migration for migration in known() if migration.version > found]
    if found == 0:
        con.execute(_VERSION_TABLE)
    if pending:
        cold.span_without_missing(con)
    for migration in pending:
        with transaction(con):
            con.execute(migration.sql)
            con.execute("INSERT INTO ledger.migrations VALUES (?, ?, now())", [migration.version, migration.name])
    changed = views.install(con)
    summed = days.keep(con)
    learned = pricing.refresh(con)
    if pending or changed or summed or learned:
        con.execute("CHECKPOINT")
