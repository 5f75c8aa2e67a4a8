"""Ledgers for the queries, made once: they are only read."""

from __future__ import annotations

import pytest

from meter import home as homes
from meter import settings
from meter.ledger import Ledger
from tests.queries.sample import IN_EUROS, sample_ledger


def made(folder: pytest.TempPathFactory, name: str) -> Ledger:
    """Return the ledger of a fresh home with the sample's calls, unless it is to be empty."""
    settings.configure(home=str(folder.mktemp(name) / "home"))
    try:
        ledger = Ledger(homes.find())
        if name == "empty":
            with ledger.writing():
                pass
        else:
            sample_ledger(ledger.home, *([IN_EUROS] if name == "euros" else []))
        return ledger
    finally:
        settings.reset()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger that is laid out and holds nothing."""
    return made(tmp_path_factory, "empty")


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The sample's ledger."""
    return made(tmp_path_factory, "sample")


@pytest.fixture(scope="session")
def euros(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The sample's ledger with one call in another currency."""
    return made(tmp_path_factory, "euros")
