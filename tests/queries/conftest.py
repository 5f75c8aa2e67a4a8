"""Ledgers for the queries, made once: they are only read."""

from __future__ import annotations

import pytest

from meter.ledger import Ledger
from tests.queries.sample import CALLS, IN_EUROS, made
from tests.queries.varied import calls as varied_calls


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger that is laid out and holds nothing."""
    return made(tmp_path_factory.mktemp("empty"), [])


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The sample's ledger."""
    return made(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def euros(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The sample's ledger with one call in another currency."""
    return made(tmp_path_factory.mktemp("euros"), [*CALLS, IN_EUROS])


@pytest.fixture(scope="session")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger of many kinds of calls."""
    return made(tmp_path_factory.mktemp("varied"), list(varied_calls()))
