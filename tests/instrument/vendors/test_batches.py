"""Batches of the vendors besides OpenAI, Anthropic and Google: each line is a call of its own wire, at the batch tier."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from typing import Any

import pytest

from meter import guard, tags
from meter.home import Home
from meter.instrument import beside
from meter.instrument.beside import ResultLines, Results
from meter.instrument.facts import Facts
from meter.keepsake import Keepsake
from meter.providers.beside import batch_in, moment
from meter.simulator import Simulator
from tests.instrument.vendors.reading import Line, calls, classes

pytestmark = pytest.mark.filterwarnings("ignore")

USAGE = {"input": 8, "cache_read": 3, "output": 5, "reasoning": 2}
MODELS = ("gpt-4.1-2025-04-14", "gpt-4o-mini-2024-07-18")
CREATE: dict[str, Any] = {"input_file_id": "f", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
AZURE = {"azure_endpoint": "http://sim", "api_version": "2025-03-01-preview"}
STAINLESS = ("groq:Groq", "together:Together", "openai:AzureOpenAI")


def told(lines: list[Line]) -> list[tuple[Any, ...]]:
    found = {line["id"]: line for line in lines}
    return [
        (line["provider"], line["response_model"], line["tier"], line.get("tags"), classes(line))
        for line in sorted(found.values(), key=lambda line: str(line["response_model"]))
    ]


def stated(provider: str) -> list[tuple[Any, ...]]:
    return [(provider, model, "batch", {"team": "search"}, USAGE) for model in MODELS]


def stainless(sdk: str, url: str, prefix: str = "") -> Any:
    package, _, name = sdk.partition(":")
    pytest.importorskip(package)
    where = {**AZURE, "azure_endpoint": url} if "Azure" in name else {"base_url": url}
    return getattr(import_module(package), prefix + name)(api_key="sim", **where)


@pytest.mark.parametrize("sdk", STAINLESS)
def test_batches_of_what_is_made_like_openais_sdk(sdk: str, metered: Home, sim: Simulator) -> None:
    client = stainless(sdk, sim.url)
    asked = {**CREATE, "input_file_id": "f"} if hasattr(client.files, "content") else CREATE
    with tags(team="search"):
        made = client.batches.create(**asked)
    with tags(team="night shift"):
        done = client.batches.retrieve(getattr(made, "id", None) or made.job.id)
        for _ in range(2):
            client.files.content(done.output_file_id).read()
    provider = {"groq:Groq": "groq", "together:Together": "together"}.get(sdk, "azure.ai.openai")
    assert told(calls(metered)) == stated(provider)
    assert len(calls(metered)) == 4


@pytest.mark.parametrize("sdk", STAINLESS)
def test_those_of_their_asynchronous_clients(sdk: str, metered: Home, sim: Simulator) -> None:
    async def ask() -> None:
        async with stainless(sdk, sim.url, "Async") as client:
            with tags(team="search"):
                made = await client.batches.create(**CREATE)
            done = await client.batches.retrieve(getattr(made, "id", None) or made.job.id)
            await client.files.content(done.output_file_id)

    asyncio.run(ask())
    assert [line[1] for line in told(calls(metered))] == list(MODELS)
    assert {line[3]["team"] for line in told(calls(metered))} == {"search"}


def mistral(url: str) -> Any:
    pytest.importorskip("mistralai")
    from meter.doctor.trials import mistral

    return mistral.client(url)


JOB: dict[str, Any] = {"input_files": ["f"], "model": "mistral-small-latest", "endpoint": "/v1/chat/completions"}


def test_each_line_of_mistrals_is_a_call_of_whoever_made_the_batch(metered: Home, sim: Simulator) -> None:
    client = mistral(sim.url)
    with tags(team="search"):
        made = client.batch.jobs.create(**JOB)
    with tags(team="night shift"):
        done = client.batch.jobs.get(job_id=made.id)
        for _ in range(2):
            assert client.files.download(file_id=done.output_file).read().count(b"\n") == 3
    assert told(calls(metered)) == stated("mistral_ai")
    assert {line["api"] for line in calls(metered)} == {"openai.chat"}
    assert len(calls(metered)) == 4


def test_those_of_the_asynchronous_methods(metered: Home, sim: Simulator) -> None:
    async def ask() -> None:
        client = mistral(sim.url)
        with tags(team="search"):
            made = await client.batch.jobs.create_async(**JOB)
        done = await client.batch.jobs.get_async(job_id=made.id)
        answer = await client.files.download_async(file_id=done.output_file)
        async for _ in answer.aiter_bytes():
            pass

    asyncio.run(ask())
    assert told(calls(metered)) == stated("mistral_ai")


def lines_of(provider: str, batch: Keepsake | None, *rows: dict[str, Any]) -> None:
    reader = ResultLines(Results(Facts(provider, None, provider), "file", batch))
    for byte in b"\n".join(json.dumps(row).encode() for row in rows):
        reader.feed(bytes([byte]))
    reader.finish()


def test_a_line_is_read_in_the_words_of_what_it_was_sent_to(metered: Home) -> None:
    body = {"model": "mistral-ocr", "pages": [], "usage_info": {"pages_processed": 3}}
    row = {"custom_id": "0", "response": {"status_code": 200, "body": body}}
    lines_of("mistral_ai", Keepsake("b", endpoint="/v1/ocr"), row)
    (line,) = calls(metered)
    assert (line["api"], classes(line)) == ("mistral.ocr", {"pages": 3})


def test_an_embedding_of_geminis_states_its_tokens_apart(metered: Home) -> None:
    rows = (
        {"response": {"embedding": {"values": [0.5, 1e-3]}, "tokenCount": "7"}},
        {"response": {"embedding": {"values": []}, "usageMetadata": {"promptTokenCount": 4}}},
    )
    lines_of("gcp.gemini", Keepsake("b", model="gemini-embedding-001"), *rows)
    assert [(line["api"], line["response_model"], classes(line)) for line in calls(metered)] == [
        ("gemini.embed_content", "gemini-embedding-001", {"input": 7}),
        ("gemini.embed_content", "gemini-embedding-001", {"input": 4}),
    ]


def test_an_answer_that_nobody_knows_is_counted_as_such(metered: Home) -> None:
    lines_of("openai", None, {"custom_id": "0", "response": {"status_code": 200, "body": {"object": "other"}}})
    assert calls(metered) == [] and guard.failures == {"batch.line": 1}


def test_results_that_come_with_the_batch_are_calls_too(metered: Home) -> None:
    facts = Facts("mistral_ai", None, "mistral_ai")
    with tags(team="search"):
        beside.read("created", "", None, facts, json.dumps({"id": "b", "created_at": 1_763_000_000}).encode())
    body = {"id": "c", "object": "chat.completion", "model": "m", "usage": {"prompt_tokens": 4, "completion_tokens": 2}}
    outputs = [{"custom_id": "0", "response": {"status_code": 200, "body": body}}]
    beside.read("batch", "", None, facts, json.dumps({"id": "b", "outputs": outputs}).encode())
    (line,) = calls(metered)
    assert (line["tags"], line["tier"], classes(line)) == ({"team": "search"}, "batch", {"input": 4, "output": 2})


def test_a_batch_is_remembered_in_whatever_words_it_is_told_of(metered: Home) -> None:
    told = (
        ("together", {"job": {"id": "b1", "created_at": "2025-11-13T02:13:20Z"}, "warning": None}),
        ("groq", {"id": "b1", "created_at": 1_763_000_000, "metadata": {"a": "b"}}),
        (
            "gcp.gemini",
            {"name": "batches/b1", "metadata": {"createTime": "2025-11-13T02:13:20.5Z", "model": "models/m"}},
        ),
    )
    for provider, body in told:
        found = batch_in(provider, json.dumps(body).encode())
        assert found.id in ("b1", "batches/b1") and str(moment(found.created_at)).startswith("1763000000")
    assert found.model == "m" and moment("yesterday") is None
