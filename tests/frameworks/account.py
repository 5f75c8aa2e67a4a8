"""What the simulator served, held against what was recorded: one record for each request, with the usage that was stated."""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from meter import guard
from meter.home import Home
from meter.simulator import Arrival, Simulator
from tests.instrument.vendors.reading import Line, calls, classes

OPENAI = {"input": 8, "cache_read": 3, "output": 5, "reasoning": 2}
ANTHROPIC = {"input": 11, "cache_read": 3, "cache_write_5m": 4, "cache_write_1h": 1, "output": 7, "web_searches": 1}
EMBEDDINGS = {"input": 11}
"""What the simulator's fixture means, apart from classes of which there are none."""

TRIES = 250
T = TypeVar("T")


def framework(module: str, name: str) -> Any:
    """Import a framework; where it is not installed, its tests are skipped with the hint how to run them."""
    try:
        return importlib.import_module(module)
    except ImportError:
        if os.environ.get("METER_TEST_FRAMEWORK"):  # its own environment: here it is no excuse
            raise
        pytest.skip(f"{name} is not installed; run: python -m tests.frameworks {name}", allow_module_level=True)


@dataclass(frozen=True)
class Account:
    """One test's simulator and home."""

    home: Home
    sim: Simulator
    loop: asyncio.AbstractEventLoop

    def run(self, waiting: Awaitable[T]) -> T:
        """Run a coroutine in the one loop of all tests, as in a service: frameworks keep their connections for later calls."""
        return self.loop.run_until_complete(waiting)

    @property
    def openai(self) -> str:
        """The address that speaks OpenAI's wire."""
        return f"{self.sim.url}/v1"

    @property
    def anthropic(self) -> str:
        """The address that speaks Anthropic's wire: another name, so that `[servers]` can tell the two apart."""
        return self.sim.url.replace("127.0.0.1", "localhost")

    def settles(self, *stated: dict[str, int], stream: bool | None = None) -> list[Line]:
        """Assert that the simulator was asked just so often, and that each answer is one record with what was stated.

        `stream`: how it is to have been asked; None leaves that to the framework.
        """
        found = self._found(len(stated))
        asked = sorted(
            (str(each.body["model"]), is_streamed(each)) for each in self.sim.requests if "model" in each.body
        )
        assert [classes(line) for line in found] == list(stated), asked
        assert sorted((line["request_model"], bool(line.get("stream"))) for line in found) == asked
        assert {(line["status"], line["source"]) for line in found} <= {("ok", "reported")}, found
        assert stream is None or {streamed for _, streamed in asked} == {stream}
        assert dict(guard.failures) == {}
        return found

    def _found(self, count: int) -> list[Line]:
        """Return what was recorded; some frameworks let go of a stream a moment later."""
        for _ in range(TRIES):
            if len(calls(self.home)) >= count:
                break
            time.sleep(0.02)
        return calls(self.home)


def is_streamed(arrival: Arrival) -> bool:
    """Say whether a request asks for a stream, in its body or by its path."""
    return bool(arrival.body.get("stream")) or "stream" in arrival.path.lower()
