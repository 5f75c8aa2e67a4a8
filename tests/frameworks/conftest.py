"""Fixtures of the tests with real frameworks over the SDKs, each in an environment of its own: `python -m tests.frameworks`."""

from __future__ import annotations

import asyncio
import gc
import os
import warnings
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from meter import instrument, settings
from meter.home import Home
from meter.simulator import Simulator
from tests.frameworks.account import Account
from tests.instrument.conftest import server, sim, small_garbage

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else its import looks for prices in the internet

__all__ = ["account", "loop", "server", "sim", "small_garbage"]


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The one loop of all tests. Frameworks leave connections open; they are let go here, where nobody minds."""
    loop = asyncio.new_event_loop()
    yield loop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        gc.unfreeze()
        gc.collect()


@pytest.fixture(params=["sdk", "wire"])
def account(
    request: pytest.FixtureRequest,
    home: Home,
    sim: Simulator,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Account]:
    """Metering switched on, alone and with METER_WIRE=1 for both addresses of the simulator: nothing may count twice."""
    account = Account(home, sim, loop)
    if request.param == "wire":
        home.path.mkdir()
        named = (
            f'"{urlsplit(account.openai).netloc}" = "openai"\n"{urlsplit(account.anthropic).netloc}" = "anthropic"\n'
        )
        home.config.write_text(f"[servers]\n{named}")
        monkeypatch.setenv("METER_WIRE", "1")
        settings.reset()
    instrument.install()
    yield account
    instrument.uninstall()
    instrument.forget_servers()
