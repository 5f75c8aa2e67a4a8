"""The catalogue is taken in once a session: it costs a second. Tests that only price share one book, others have a copy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from meter import pricing
from tests.pricing.batches import empty_book, open_book


@pytest.fixture(scope="session")
def book_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's file with nothing but the installed catalogue."""
    path = tmp_path_factory.mktemp("book") / "book.duckdb"
    con = empty_book(str(path))
    assert pricing.refresh(con) > 1_000
    con.close()
    return path


@pytest.fixture(scope="session")
def book(book_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The price book, shared: for pricing only."""
    yield from _copy_of(book_file, book_file.with_name("shared.duckdb"))


@pytest.fixture
def own_book(book_file: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A price book of the test's own."""
    yield from _copy_of(book_file, tmp_path / "book.duckdb")


def _copy_of(original: Path, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    shutil.copy(original, path)
    con = open_book(str(path))
    yield con
    con.close()
