"""A ledger in memory that is laid out once; each test puts its own contracts and calls there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from tests.pricing.batches import empty_book


@pytest.fixture(scope="module")
def book() -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(empty_book()) as con:
        yield con
