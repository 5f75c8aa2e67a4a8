"""Batches, and responses made in the background: what was made elsewhere is counted once, by whoever asked for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from meter import guard, tags
from meter.home import Home
from meter.simulator import Simulator
from tests.instrument.sdks import ANTHROPIC, ANTHROPIC_CLASSES, OPENAI, OPENAI_CLASSES, calls, classes, method, only

CREATE: dict[str, Any] = {
    "input_file_id": "file-input",
    "endpoint": "/v1/chat/completions",
    "completion_window": "24h",
}
REQUESTS: Any = [{"custom_id": "0", "params": {"model": "claude-haiku-4-5", "max_tokens": 8, "messages": []}}]


def openai_results(client: Any) -> None:
    with tags(team="search"):
        made = client.batches.create(**CREATE)
    with tags(team="night shift"):
        done = client.batches.retrieve(made.id)
        client.files.content(done.output_file_id).read()


def anthropic_results(client: Any) -> None:
    with tags(team="search"):
        made = method(client, "messages.batches").create(requests=REQUESTS)
    with tags(team="night shift"):
        list(client.messages.batches.results(made.id))


def test_each_line_of_openais_is_a_call_at_the_batch_tier_of_whoever_made_it(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        openai_results(client)
    found = sorted(calls(metered), key=lambda line: str(line["response_model"]))
    assert [(line["response_model"], line["tier"], line["tags"], line.get("dur")) for line in found] == [
        ("gpt-4.1-2025-04-14", "batch", {"team": "search"}, None),
        ("gpt-4o-mini-2024-07-18", "batch", {"team": "search"}, None),
    ]
    assert [classes(line) for line in found] == [OPENAI_CLASSES] * 2
    assert {line["context"]["processing"] for line in found} == {"batch"}


def test_each_line_of_anthropics_too(metered: Home, sim: Simulator) -> None:
    with ANTHROPIC.sync(sim.url) as client:
        anthropic_results(client)
    found = sorted(calls(metered), key=lambda line: str(line["response_model"]))
    assert [(line["response_model"], line["tier"], line["tags"]) for line in found] == [
        ("claude-haiku-4-5-20251001", "batch", {"team": "search"}),
        ("claude-sonnet-4-5-20250929", "batch", {"team": "search"}),
    ]
    assert [classes(line) for line in found] == [ANTHROPIC_CLASSES] * 2
    assert {line["ts"] for line in found} == {1_763_000_000_000_000}


def test_results_of_the_async_clients(metered: Home, sim: Simulator) -> None:
    async def ask() -> None:
        async with OPENAI.asynchronous(sim.url) as client:
            with tags(team="search"):
                made = await client.batches.create(**CREATE)
            done = await client.batches.retrieve(made.id)
            await client.files.content(done.output_file_id)
        async with ANTHROPIC.asynchronous(sim.url) as client:
            with tags(team="search"):
                made = await method(client, "messages.batches").create(requests=REQUESTS)
            async for _ in await client.messages.batches.results(made.id):
                pass

    asyncio.run(ask())
    assert [line["tags"] for line in calls(metered)] == [{"team": "search"}] * 4


@pytest.mark.parametrize("way", [openai_results, anthropic_results])
def test_reading_twice_counts_once_also_from_another_process(way: Any, metered: Home, sim: Simulator) -> None:
    sdk = OPENAI if way is openai_results else ANTHROPIC
    with sdk.sync(sim.url) as client:
        way(client)
        name = [request.path for request in sim.requests if request.method == "GET"][-1].split("/")[-2]
    again = {
        openai_results: f"openai.OpenAI(api_key='k', base_url='{sim.url}/v1').files.content('{name}').read()",
        anthropic_results: f"list(anthropic.Anthropic(api_key='k', base_url='{sim.url}').messages.batches.results('{name}'))",
    }[way]
    code = f"import meter.auto, openai, anthropic\n{again}\n{again}\n"
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)
    assert len(calls(metered)) == 6
    assert len({line["id"] for line in calls(metered)}) == 2
    assert {str(line["tags"]) for line in calls(metered)} == {"{'team': 'search'}"}


def test_a_file_of_another_kind_and_an_early_end_are_no_trouble(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        client.files.content("file-training").read()
        with client.files.with_streaming_response.content("file-training") as response:
            response.read()
    with ANTHROPIC.sync(sim.url) as client:
        made = method(client, "messages.batches").create(requests=REQUESTS)
        for _ in client.messages.batches.results(made.id):
            break
    assert guard.failures == {}
    assert len(calls(metered)) <= 2


def test_a_response_made_in_the_background_is_metered_when_it_is_fetched_and_once(
    metered: Home, sim: Simulator
) -> None:
    with OPENAI.sync(sim.url) as client:
        with tags(team="search"):
            made = method(client, "responses").create(model="gpt-4o-mini", input="ping", background=True)
        for _ in range(3):
            client.responses.retrieve(made.id)
    begun, fetched = sorted(calls(metered), key=lambda line: str(line["source"]))
    assert (begun["source"], begun["billed"], fetched["source"]) == ("missing", False, "reported")
    assert (classes(fetched), fetched["tags"]) == (OPENAI_CLASSES, {"team": "search"})


def test_a_background_response_that_was_streamed_to_its_end_is_not_metered_again(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        events = list(method(client, "responses").create(model="gpt-4o-mini", input="x", background=True, stream=True))
        client.responses.retrieve(events[-1].response.id)
    assert classes(only(metered)) == OPENAI_CLASSES


def test_a_response_that_was_not_made_in_the_background_is_not_metered_again(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        made = method(client, "responses").create(model="gpt-4o-mini", input="ping")
        client.responses.retrieve(made.id)
    assert classes(only(metered)) == OPENAI_CLASSES
