"""The official SDKs, pointed at a simulator."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from meter.simulator import Simulator

ASK: Any = [{"role": "user", "content": "How much?"}]
TOOL: Any = {"name": "look_up", "description": "Look up.", "parameters": {"type": "object", "properties": {}}}
OLD_OPENAI = int(version("openai").split(".")[0]) < 2
OLD_ANTHROPIC = version("anthropic").startswith("0.")

needs_openai_2 = pytest.mark.skipif(OLD_OPENAI, reason="this version of the SDK lacks the call")
needs_anthropic_1 = pytest.mark.skipif(OLD_ANTHROPIC, reason="this version of the SDK lacks the call")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(stall_s=0.3) as simulator:
        yield simulator


@pytest.fixture
def openai(sim: Simulator) -> Iterator[OpenAI]:
    with OpenAI(api_key="sk-sim", base_url=sim.url + "/v1") as client:
        yield client


@pytest.fixture
def anthropic(sim: Simulator) -> Iterator[Anthropic]:
    with Anthropic(api_key="sk-sim", base_url=sim.url) as client:
        yield client
