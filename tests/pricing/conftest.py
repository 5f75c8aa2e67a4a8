"""One price book a session: tests that only price share it."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.pricing.batches import price_book


@pytest.fixture(scope="session")
def book() -> Iterator[duckdb.DuckDBPyConnection]:
    """The installed catalogue, taken into a ledger in memory."""
    con = price_book()
    yield con
    con.close()
