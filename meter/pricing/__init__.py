"""Prices: genai-prices' catalogue as dated rate cards in the ledger, and calls priced with them in SQL.

`refresh` takes the installed catalogue into the ledger, `configure` the contracts of meter.toml; `price` prices a batch. All of
them work on the caller's connection. Cost is exact (DECIMAL, never float), a call keeps the cards it was priced with, and what
has no price has no cost: NULL, never 0.
"""

from __future__ import annotations

from meter.pricing.batch import price
from meter.pricing.contracts import refresh as configure
from meter.pricing.store import refresh

__all__ = ["configure", "price", "refresh"]
