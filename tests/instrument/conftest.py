"""Fixtures of the tests with the real SDKs, newest and oldest: only pytest and the SDKs are needed here."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from meter import instrument
from meter.home import Home
from meter.instrument import usage_option
from meter.simulator import Simulator

_modules = 0


@pytest.fixture(autouse=True)
def small_garbage() -> None:
    """Tests collect garbage often: leave out what the SDKs' imports made, whenever a test has imported more of them.

    For good: what SDKs have left open by then is not the tests' to complain of.
    """
    global _modules
    if len(sys.modules) != _modules:
        _modules = len(sys.modules)
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def server() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def sim(server: Simulator) -> Iterator[Simulator]:
    """The simulator, with nothing left over from another test."""
    server.requests.clear()
    usage_option.refusers.clear()
    yield server
    server.delay_s, server.fault, server.stall_s = 0.0, "", 1.0
    server.usage.clear()


@pytest.fixture
def metered(home: Home) -> Iterator[Home]:
    """Metering switched on; the home it writes to."""
    instrument.install()
    yield home
    instrument.uninstall()
