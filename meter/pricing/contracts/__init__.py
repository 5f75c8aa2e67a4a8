"""Negotiated prices: `[contracts]` and `[aliases]` of meter.toml.

    patterns   does a name fit a pattern, and may two patterns fit one name?
    rules      what a contract is, which calls it takes, and which of two is more specific
    reading    from the file's tables to rules, with every fault named
    ties       pairs of contracts that nobody could choose between
    prices     what each class of a card costs under contracts
    store      the file into the ledger, and the newest sound one out of it
    cards      contract prices as rate cards of the ledger

A contract's prices are compiled to rate cards beside the public ones, so that whatever reads prices reads both alike.
"""

from __future__ import annotations

from meter.pricing.contracts.reading import Fault, Terms, read, tied
from meter.pricing.contracts.rules import Contract
from meter.pricing.contracts.store import changed_months, depends_on, in_force, is_current, refresh

__all__ = [
    "Contract",
    "Fault",
    "Terms",
    "changed_months",
    "depends_on",
    "in_force",
    "is_current",
    "read",
    "refresh",
    "tied",
]
