"""Take exchange rates and billing currencies of meter.toml into the ledger. Rows are only added: the newest edition holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from meter.errors import SettingInvalid
from meter.pricing import exchange

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meter.pricing.exchange import Currencies

_NEWEST = "SELECT edition, digest FROM ledger.currency_editions ORDER BY edition DESC LIMIT 1"
_INSERT_RATES = """
INSERT INTO ledger.exchange_rates BY NAME
SELECT unnest(from_json($rows, '[{
    "edition": "INTEGER", "from_currency": "VARCHAR", "to_currency": "VARCHAR", "valid_from": "DATE",
    "rate": "DECIMAL(28, 12)", "source": "VARCHAR"
    }]'), recursive := true), now() AS recorded_at
"""
_INSERT_ACCOUNTS = """
INSERT INTO ledger.billing_currencies BY NAME
SELECT unnest(from_json($rows, '[{
    "edition": "INTEGER", "provider": "VARCHAR", "account": "VARCHAR", "currency": "VARCHAR"
    }]'), recursive := true), now() AS recorded_at
"""


def refresh(con: DuckDBPyConnection, config: Path) -> bool:
    """Take in what `[currencies]` says now, and tell whether it is news. Nothing is written when nothing changed.

    Raises SettingInvalid, before anything is written, for what cannot be read: the rates taken in before stay in force. The
    edition's own row comes last: without a transaction around it, rows that a kill left behind count only once they are complete.
    """
    rates, accounts = _rows(exchange.read(config))
    edition, known = _newest(con)
    digest = _digest(rates, accounts)
    if digest == known:
        return False
    for table in ("exchange_rates", "billing_currencies"):
        ((last,),) = con.execute(f"SELECT coalesce(max(edition), 0) FROM ledger.{table}").fetchall()
        edition = max(edition, last)
    for statement, rows in ((_INSERT_RATES, rates), (_INSERT_ACCOUNTS, accounts)):
        if rows:
            con.execute(statement, {"rows": json.dumps([{**row, "edition": edition + 1} for row in rows])})
    con.execute("INSERT INTO ledger.currency_editions VALUES (?, ?, ?, now())", [edition + 1, digest, str(config)])
    return True


def is_current(con: DuckDBPyConnection, config: Path) -> bool:
    """Tell whether the ledger has what the file says; of a file that is refused there is nothing to take in."""
    try:
        rates, accounts = _rows(exchange.read(config))
    except SettingInvalid:
        return True
    return _digest(rates, accounts) == _newest(con)[1]


Rows = list[dict[str, object]]


def _newest(con: DuckDBPyConnection) -> tuple[int, str]:
    """Return the edition in force and its digest; before the first one, that of nothing."""
    found = con.execute(_NEWEST).fetchall()
    return found[0] if found else (0, _digest([], []))


def _digest(rates: Rows, accounts: Rows) -> str:
    return hashlib.sha256(json.dumps([rates, accounts]).encode()).hexdigest()[:32]


def _rows(found: Currencies) -> tuple[Rows, Rows]:
    rates: Rows = [
        {
            "from_currency": rate.from_currency,
            "to_currency": rate.to_currency,
            "valid_from": rate.valid_from.isoformat(),
            "rate": f"{rate.rate:f}",
            "source": rate.source,
        }
        for rate in sorted(found.rates, key=lambda rate: (rate.from_currency, rate.to_currency, rate.valid_from))
    ]
    accounts: Rows = [
        {"provider": account.provider, "account": account.account, "currency": account.currency}
        for account in found.accounts
    ]
    return rates, accounts
