"""Prices: genai-prices' catalogue as dated rate cards in the ledger, and calls priced with them in SQL.

`refresh` takes the installed catalogue into the ledger; `price` prices a batch. Both work on the caller's connection. Cost is
exact (DECIMAL, never float), a call keeps the card it was priced with, and what has no price has no cost: NULL, never 0.
"""

from __future__ import annotations

from meter.pricing.batch import price
from meter.pricing.store import refresh

__all__ = ["price", "refresh"]
