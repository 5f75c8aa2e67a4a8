"""One laid-out ledger a session, copied for each test: taking the catalogue in costs a second."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from meter.home import Home, ensure
from meter.ledger import Ledger


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty ledger."""
    home = Home(tmp_path_factory.mktemp("laid-out"))
    with Ledger(home).writing():
        pass
    return home.ledger


@pytest.fixture
def ledger(home: Home, laid_out: Path) -> Ledger:
    """An empty ledger in a fresh home."""
    ensure(home)
    shutil.copy(laid_out, home.ledger)
    return Ledger(home)
