"""A copy of the price book in memory: what is tried there changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from meter.home import Home
from meter.ledger import migrate
from meter.ledger.store import CATALOG, Ledger, in_memory

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLES = ("catalogues", "catalogue_texts", "rate_cards", "withdrawals")
_PRESENT = """
SELECT table_name
FROM duckdb_tables()
WHERE database_name = $catalog AND schema_name = 'ledger' AND list_contains($tables, table_name)
"""


@contextmanager
def trial(place: Home) -> Iterator[DuckDBPyConnection]:
    """Hand out a connection with a price book of its own: the ledger's as it is now, or an empty one where there is none.

    Nothing of the ledger is written, not even what its schema lacks. Raises LedgerLocked, LedgerTooNew.
    """
    with closing(in_memory(place)) as con:
        con.execute("CREATE SCHEMA ledger")
        for migration in migrate.known():
            con.execute(migration.sql)
        if place.ledger.exists():
            with Ledger(place).attached(con):
                _copy(con)
        yield con


def _copy(con: DuckDBPyConnection) -> None:
    present = con.execute(_PRESENT, {"catalog": CATALOG, "tables": TABLES}).fetchall()
    for (table,) in present:
        con.execute(f"INSERT INTO memory.ledger.{table} BY NAME FROM {CATALOG}.ledger.{table}")
