"""The ledger: what services recorded, priced, in one DuckDB file that is queried in SQL.

`ingest` moves the spool into it, exactly once. `Ledger.writing` and `Ledger.reading` open it, under the lock that keeps every
other process of ours out meanwhile; `connect` is for people, and may stay open. `tidy`, `exporting` and `compaction` keep it
small. Tables live in the schema `ledger`; the views in `main` are the public contract.
"""

from __future__ import annotations

from meter.ledger.connection import Connection, connect
from meter.ledger.ingestion import ingest
from meter.ledger.store import Ledger, open_ledger
from meter.ledger.storing import Ingested
from meter.ledger.tidying import tidy

__all__ = ["Connection", "Ingested", "Ledger", "connect", "ingest", "open_ledger", "tidy"]
