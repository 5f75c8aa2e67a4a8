"""A stream that breaks off, on every wire: what it cost is estimated from the characters, with bounds, and says so.

Each is read from the wire, as a service does that uses no SDK; `tests/instrument/vendors` shows the same lines from every SDK.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from meter import instrument
from meter.home import Home
from meter.ledger import ingest, open_ledger
from meter.simulator import Simulator

PROMPT = "What did the search team spend? " * 100
MESSAGES = [{"role": "user", "content": PROMPT}]
BLOCKS = [{"role": "user", "content": [{"text": PROMPT}]}]


class Wire(NamedTuple):
    """A provider's stream: where it is asked for, with what, and which sides are estimated; some state their input at once."""

    provider: str
    path: str
    body: dict[str, Any]
    estimated: tuple[str, ...] = ("input", "output")
    priced: bool = True


def chat(provider: str, model: str, path: str = "/v1/chat/completions", **more: Any) -> Wire:
    return Wire(provider, path, {"model": model, "messages": MESSAGES, "stream": True}, **more)


OUTPUT = ("output",)
BEDROCK = "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"

WIRES = (
    chat("openai", "gpt-4o-mini"),
    Wire("openai", "/v1/responses", {"model": "gpt-4o-mini", "input": PROMPT, "stream": True}),
    Wire("openai", "/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": PROMPT, "stream": True}),
    chat("anthropic", "claude-haiku-4-5", "/v1/messages", estimated=OUTPUT),
    Wire(
        "gcp.gemini",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]},
        OUTPUT,
    ),
    Wire("aws.bedrock", f"{BEDROCK}/converse-stream", {"messages": BLOCKS}),
    Wire("aws.bedrock", f"{BEDROCK}/invoke-with-response-stream", {"messages": MESSAGES, "max_tokens": 9}, OUTPUT),
    chat("mistral_ai", "mistral-small-latest"),
    chat("cohere", "command-r-08-2024", "/v2/chat"),
    chat("groq", "llama-3.3-70b-versatile", "/openai/v1/chat/completions"),
    chat("deepseek", "deepseek-chat"),
    chat("x_ai", "grok-4"),
    chat("openrouter", "openai/gpt-4o-mini"),
    chat("ollama", "llama3.2", "/api/chat", priced=False),
    chat("huggingface", "meta-llama/Llama-3.1-8B-Instruct", priced=False),
    chat("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
)

COLUMNS = (
    *("status", "usage_source", "price_status", "estimated_usage", "sent_chars", "seen_chars"),
    *("estimate_low", "list_cost", "estimate_high"),
)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(fault="cut-mid-body") as simulator:
        yield simulator
    instrument.uninstall()
    instrument.forget_servers()


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: f"{wire.provider} {wire.path[-24:]}")
def test_a_broken_stream_has_an_estimate_with_bounds(wire: Wire, home: Home, sim: Simulator) -> None:
    requests = pytest.importorskip("requests")
    home.path.mkdir(exist_ok=True)
    home.config.write_text(f'[servers]\n"{urlsplit(sim.url).netloc}" = "{wire.provider}"\n')
    instrument.install(wire=True)
    with suppress(requests.RequestException), requests.post(sim.url + wire.path, json=wire.body, stream=True) as reply:
        list(reply.iter_content(None))
    ledger = open_ledger(home)
    ingest(ledger)
    with ledger.reading() as connection:
        (row,) = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM ledger.calls").fetchall()
    found = dict(zip(COLUMNS, row, strict=True))
    assert (found["status"], found["usage_source"]) == ("error", "estimated")
    assert (found["sent_chars"], found["seen_chars"] > 0) == (len(PROMPT), True)
    assert tuple(json.loads(found["estimated_usage"])) == wire.estimated
    low, likely, high = (found[name] for name in COLUMNS[-3:])
    if wire.priced:
        assert 0 < low <= likely <= high > low
    else:
        assert (low, likely, high, found["price_status"]) == (None, None, None, "unpriced")
