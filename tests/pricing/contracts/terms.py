"""Contracts for tests: meter.toml written, taken in, and calls priced under it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from meter import pricing, settings
from meter.pricing.contracts import Terms, read, tied


def configure(con: duckdb.DuckDBPyConnection, folder: Path, text: str) -> Path:
    """Take a meter.toml with this text into the ledger."""
    path = folder / "meter.toml"
    path.write_text(text)
    pricing.configure(con, path)
    return path


def parsed(folder: Path, text: str) -> tuple[Terms, list[Any]]:
    """Return what a meter.toml with this text says, and its faults."""
    path = folder / "terms.toml"
    path.write_text(text)
    terms, faults = read(settings.load_toml(path))
    return terms, [*faults, *tied(terms)]
