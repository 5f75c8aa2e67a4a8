"""`[servers]` of meter.toml, and the words of the provider that is behind an address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from meter import guard, instrument
from meter.home import Home
from meter.providers import hosts
from meter.simulator import Simulator
from tests.instrument.sdks import CHAT, OPENAI, only


def named(home: Home, url: str, provider: str) -> None:
    home.path.mkdir(exist_ok=True)
    home.config.write_text(f'[servers]\n"{urlsplit(url).netloc}" = "{provider}"\n')


@pytest.fixture(autouse=True)
def clean() -> Any:
    yield
    instrument.uninstall()
    instrument.forget_servers()


def test_an_address_is_who_the_file_says(home: Home, sim: Simulator) -> None:
    named(home, sim.url, "azure")
    instrument.install()
    with OPENAI.sync(sim.url) as client:
        client.chat.completions.create(**CHAT)
    line = only(home)
    assert (line["provider"], line["server"]) == ("azure.ai.openai", urlsplit(sim.url).netloc)


def test_the_usage_is_read_in_the_words_of_who_is_there(home: Home, sim: Simulator) -> None:
    named(home, sim.url, "openrouter")
    sim.usage["openai.chat"] = {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "total_tokens": 18,
        "cost": 0.000123456789012,
        "server_tool_use_details": {"web_search_requests": 2},
    }
    instrument.install()
    with OPENAI.sync(sim.url) as client:
        client.chat.completions.create(**CHAT)
    line = only(home)
    assert (line["provider"], line["reported_cost"], line["reported_currency"]) == (
        "openrouter",
        "0.000123456789012",
        "USD",
    )
    assert line["usage"]["web_searches"] == 2


def test_a_name_without_a_port_is_any_port_and_one_with_it_wins(home: Home) -> None:
    home.path.mkdir()
    home.config.write_text('[servers]\n"LLM.internal" = "vllm"\n"llm.internal:8443" = "openai"\n')
    instrument.forget_servers()
    assert hosts.find("llm.internal", 9000, "openai") == ("vllm", None)
    assert hosts.find("llm.internal", 8443, "openai") == ("openai", None)
    assert hosts.find("other.internal", 8443, "openai") == ("openai-compatible:other.internal", None)


@pytest.mark.parametrize("text", ["[servers", "servers = 5\n", '[servers]\n"llm" = 5\n'])
def test_a_file_that_is_broken_names_nobody_and_breaks_no_call(home: Home, sim: Simulator, text: str) -> None:
    home.path.mkdir()
    home.config.write_text(text)
    instrument.install()
    with OPENAI.sync(sim.url) as client:
        client.chat.completions.create(**CHAT)
    assert only(home)["provider"] == "openai"
    assert guard.failures["servers"] == (0 if text.endswith("5\n") and "llm" in text else 1)
