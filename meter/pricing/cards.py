"""Rows into `ledger.rate_cards`: whole cards, in one statement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_INSERT = """
INSERT INTO ledger.rate_cards BY NAME
SELECT unnest(from_json($rows, '[{
    "rate_card_id": "INTEGER", "offer_id": "INTEGER", "edition": "INTEGER", "source": "VARCHAR", "version": "VARCHAR",
    "digest": "VARCHAR", "url": "VARCHAR", "provider": "VARCHAR", "model": "VARCHAR", "conditions": "VARCHAR",
    "currency": "VARCHAR", "valid_from": "TIMESTAMPTZ", "valid_to": "TIMESTAMPTZ", "day_from_s": "INTEGER",
    "day_to_s": "INTEGER", "input_over": "BIGINT", "input_up_to": "BIGINT",
    "unit_prices": "MAP(VARCHAR, DECIMAL(18, 12))", "fine_prices": "MAP(VARCHAR, DECIMAL(27, 24))",
    "minimums": "MAP(VARCHAR, DECIMAL(18, 6))", "priced_as": "MAP(VARCHAR, VARCHAR)", "per_call": "BOOLEAN",
    "contract_rules": "MAP(VARCHAR, INTEGER)", "contract_rule_id": "INTEGER", "terms": ["INTEGER"],
    "public_card_id": "INTEGER"
    }]'), recursive := true), now() AS recorded_at
"""


def insert(con: DuckDBPyConnection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add cards; a column that a row leaves out is NULL. Decimals are given as text."""
    con.execute(_INSERT, {"rows": json.dumps(list(rows))})
