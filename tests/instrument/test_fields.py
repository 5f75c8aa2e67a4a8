"""Everything else a call says of itself: who answered, where, on whose account, under which tier, and when."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import openai
import pytest

from meter import tags
from meter.home import Home
from meter.instrument import facts
from meter.providers import hosts
from meter.providers.sdks import anthropic as anthropic_file
from meter.providers.sdks import openai as openai_file
from meter.simulator import Simulator
from tests.conftest import lines_of
from tests.instrument.sdks import ANTHROPIC, CHAT, CLAUDE, OPENAI, calls, elsewhere, only

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
ANSWER = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [], "usage": USAGE}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-test-1",
    "content": [],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 2},
}


def test_all_of_an_ordinary_call(metered: Home, sim: Simulator) -> None:
    before = time.time()
    with OPENAI.sync(sim.url, organization="org-1", project="proj_1") as client, tags(team="search"):
        answer = client.chat.completions.create(**CHAT, user="someone", extra_body={"service_tier": "auto"})
    line = only(metered)
    assert line["provider"] == "openai"
    assert line["server"] == sim.url.removeprefix("http://")
    assert (line["operation"], line["api"]) == ("chat", "openai.chat")
    assert (line["request_model"], line["response_model"]) == ("gpt-4o-mini", answer.model)
    assert line["response_id"] == answer.id
    assert (line["tier"], line["requested_tier"]) == ("default", "auto")
    assert (line["account"], line["project"]) == ("org-1", "proj_1")
    assert line["key"] == hashlib.sha256(b"sk-test").hexdigest()[:12]
    assert line["raw"] == json.loads(answer.to_json())["usage"]
    assert (line["source"], line["status"]) == ("reported", "ok")
    assert line["tags"] == {"team": "search"}
    assert before * 1e6 - 1000 <= line["ts"] <= time.time() * 1e6
    assert 0 < line["dur"] < 60_000_000
    assert "user" not in line and "someone" not in json.dumps(line)
    assert "hello" not in json.dumps(line)
    assert not {"stream", "chunks", "ttft", "billed", "error", "sent_chars", "seen_chars"} & set(line)


def test_a_stream_has_chunks_and_a_time_to_its_first_text(metered: Home, sim: Simulator) -> None:
    sim.delay_s = 0.01
    with OPENAI.sync(sim.url) as client:
        chunks = list(client.chat.completions.create(**CHAT, stream=True))
    line = only(metered)
    assert (line["stream"], line["chunks"]) == (True, len(chunks))
    assert 0 < line["ttft"] < line["dur"]


def test_the_key_itself_is_nowhere(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url, api_key="sk-very-secret-1234567890") as client:
        client.chat.completions.create(**CHAT)
        client.api_key = "sk-another-secret"
        client.chat.completions.create(**CHAT)
    data = b"".join(lines_of(metered))
    assert b"secret" not in data
    assert len({line["key"] for line in calls(metered)}) == 2


def test_anthropics_account_is_in_a_header(metered: Home) -> None:
    headers = {"anthropic-organization-id": "org-a", "anthropic-workspace-id": "wrkspc_1"}
    elsewhere(ANTHROPIC, MESSAGE, headers).messages.create(**CLAUDE)
    line = only(metered)
    assert (line["account"], line["project"]) == ("org-a", "wrkspc_1")


def test_a_header_of_the_answer_knows_better_than_the_client(metered: Home) -> None:
    client = elsewhere(
        OPENAI, ANSWER, {"openai-organization": "org-real"}, organization="org-asked", project="proj_asked"
    )
    client.chat.completions.create(**CHAT)
    client.chat.completions.create(**CHAT)
    assert [(line["account"], line["project"]) for line in calls(metered)] == [("org-real", "proj_asked")] * 2


def test_headers_may_come_in_another_order_and_change(metered: Home) -> None:
    http_headers: dict[str, str] = {"openai-organization": "org-1", "x-a": "1"}
    client = elsewhere(OPENAI, ANSWER, http_headers)
    client.chat.completions.create(**CHAT)
    for headers in (
        {"x-a": "1", "openai-organization": "org-2"},
        {"x-a": "1"},
        {"x-b": "", "x-c": "", "openai-organization": "3"},
    ):
        swap(client, headers)
        client.chat.completions.create(**CHAT)
    assert [line.get("account") for line in calls(metered)] == ["org-1", "org-2", None, "3"]


def swap(client: Any, headers: dict[str, str]) -> None:
    """Let a client's answers have other headers from now on."""
    client._client._transport = elsewhere(OPENAI, ANSWER, headers)._client._transport


@pytest.mark.parametrize(
    ("address", "provider", "region"),
    [
        ("https://api.openai.com/v1", "openai", None),
        ("https://eu.api.openai.com/v1", "openai", "eu"),
        ("https://mine.openai.azure.com/openai/v1", "azure.ai.openai", None),
        ("https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1", "aws.bedrock", "us-west-2"),
        ("https://openrouter.ai/api/v1", "openrouter", None),
        ("https://api.deepseek.com", "deepseek", None),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gcp.gemini", None),
        ("https://us-central1-aiplatform.googleapis.com/v1", "gcp.vertex_ai", "us-central1"),
        ("http://localhost:11434/v1", "ollama", None),
        ("http://localhost:8000/v1", "openai", None),
        ("http://simulator:8080/v1", "openai", None),
        ("https://llm.example.com/v1", "openai-compatible:llm.example.com", None),
    ],
)
def test_the_address_tells_the_provider(address: str, provider: str, region: str | None, metered: Home) -> None:
    elsewhere(OPENAI, ANSWER, base_url=address).chat.completions.create(**CHAT)
    line = only(metered)
    assert (line["provider"], line.get("region")) == (provider, region)
    assert line["server"] == address.split("/")[2]


def test_every_host_pattern_names_a_known_provider() -> None:
    from meter.names import PROVIDERS

    assert {provider for _, provider in hosts.HOSTS} <= {provider.name for provider in PROVIDERS}


def test_azures_model_is_its_deployment(metered: Home) -> None:
    client = elsewhere(
        OPENAI,
        ANSWER,
        {"x-ms-region": "Sweden Central"},
        kind=openai.AzureOpenAI,
        azure_endpoint="https://mine.openai.azure.com",
        api_version="2024-10-21",
    )
    client.chat.completions.create(**{**CHAT, "model": "our-deployment"})
    line = only(metered)
    assert (line["provider"], line["deployment"], line["region"]) == (
        "azure.ai.openai",
        "our-deployment",
        "Sweden Central",
    )
    assert (line["request_model"], line["response_model"]) == ("our-deployment", "m-1")


def test_azures_deployment_may_be_the_clients(metered: Home) -> None:
    client = elsewhere(
        OPENAI,
        ANSWER,
        kind=openai.AzureOpenAI,
        azure_endpoint="https://mine.openai.azure.com",
        azure_deployment="fixed",
        api_version="2024-10-21",
    )
    if not hasattr(client, "_azure_deployment"):
        pytest.skip("this version does not keep the deployment")
    client.chat.completions.create(**CHAT)
    assert only(metered)["deployment"] == "fixed"


@pytest.mark.parametrize(
    ("bases", "attributes", "provider", "rest"),
    [
        (("BaseBedrockClient",), {"aws_region": "eu-west-1"}, "aws.bedrock", {"region": "eu-west-1"}),
        (
            ("BaseVertexClient",),
            {"region": "us-east5", "project_id": "p-1"},
            "gcp.vertex_ai",
            {"region": "us-east5", "project": "p-1"},
        ),
        (("BaseFoundryClient",), {}, "azure.ai.inference", {}),
        (("AnthropicAWS",), {"workspace_id": "w-1"}, "anthropic", {"project": "w-1"}),
    ],
)
def test_the_class_of_the_client_tells_the_provider(
    bases: tuple[str, ...], attributes: dict[str, str], provider: str, rest: dict[str, str]
) -> None:
    base = type(bases[0], (), {})
    client = type("Theirs", (base,), {"base_url": "https://somewhere.example.com", "api_key": "k", **attributes})()
    found = facts.read(client, anthropic_file.PROVIDER)
    assert found.provider == provider
    assert dict(found.rest) == rest


def test_an_attribute_that_raises_is_unknown() -> None:
    class Client:
        base_url = "https://api.openai.com/v1"

        @property
        def organization(self) -> str:
            raise RuntimeError("not yet")

    found = facts.read(Client(), openai_file.PROVIDER)
    assert (found.provider, found.server, found.key, found.rest) == ("openai", "api.openai.com", None, ())


def test_a_request_to_another_address_than_its_clients(metered: Home) -> None:
    client = elsewhere(OPENAI, ANSWER, base_url="https://api.openai.com/v1")
    client.post("https://openrouter.ai/api/v1/chat/completions", cast_to=object, body=CHAT)
    client.post("https://openrouter.ai/api/v1/chat/completions", cast_to=object, body=CHAT)
    assert [(line["provider"], line["server"]) for line in calls(metered)] == [("openrouter", "openrouter.ai")] * 2


def test_the_model_and_tier_may_stand_in_the_extra_body(metered: Home) -> None:
    client = elsewhere(OPENAI, ANSWER)
    client.chat.completions.create(**CHAT, extra_body={"model": "other", "service_tier": "flex"})
    line = only(metered)
    assert (line["request_model"], line["requested_tier"]) == ("other", "flex")


def test_anthropics_speed_place_and_tier_come_with_the_usage(metered: Home) -> None:
    usage = {**MESSAGE["usage"], "service_tier": "priority", "inference_geo": "us", "speed": "fast"}
    elsewhere(ANTHROPIC, {**MESSAGE, "usage": usage}).messages.create(**CLAUDE)
    line = only(metered)
    assert (line["tier"], line["region"], line["context"]) == ("priority", "us", {"speed": "fast"})


def test_what_is_standard_is_no_context(metered: Home) -> None:
    usage = {**MESSAGE["usage"], "service_tier": "standard", "speed": "standard"}
    elsewhere(ANTHROPIC, {**MESSAGE, "usage": usage}).messages.create(**CLAUDE)
    assert "context" not in only(metered)


def test_a_batch_tier_is_a_context(metered: Home) -> None:
    usage = {**MESSAGE["usage"], "service_tier": "batch"}
    elsewhere(ANTHROPIC, {**MESSAGE, "usage": usage}).messages.create(**CLAUDE)
    assert only(metered)["context"] == {"processing": "batch"}


def test_side_passes_are_calls_with_a_parent(metered: Home) -> None:
    passes = [
        {"type": "compaction", "input_tokens": 100, "output_tokens": 7, "cache_creation_input_tokens": 50},
        {"type": "message", "input_tokens": 5, "output_tokens": 2},
        {"type": "advisor_message", "model": "claude-advisor", "input_tokens": 9, "output_tokens": 3},
    ]
    with tags(team="search"):
        elsewhere(ANTHROPIC, {**MESSAGE, "usage": {**MESSAGE["usage"], "iterations": passes}}).messages.create(**CLAUDE)
    main, *sides = sorted(calls(metered), key=lambda line: "parent" in line)
    assert main["usage"] == {"input": 5, "output": 2}
    assert {side["parent"] for side in sides} == {main["id"]}
    assert {side["response_model"]: side["usage"] for side in sides} == {
        "claude-test-1": {"input": 100, "cache_write": 50, "output": 7},
        "claude-advisor": {"input": 9, "output": 3},
    }
    assert all(side["tags"] == {"team": "search"} and side["key"] == main["key"] for side in sides)
    assert all(side["source"] == "reported" and "response_id" not in side for side in sides)


def test_after_a_fallback_each_pass_counts_for_its_model(metered: Home) -> None:
    passes = [
        {"type": "message", "input_tokens": 5, "output_tokens": 1},
        {"type": "fallback_message", "model": "claude-test-1", "input_tokens": 6, "output_tokens": 2},
    ]
    usage = {"input_tokens": 11, "output_tokens": 3, "iterations": passes}
    elsewhere(ANTHROPIC, {**MESSAGE, "usage": usage}).messages.create(**CLAUDE)
    main, side = sorted(calls(metered), key=lambda line: "parent" in line)
    assert (main["response_model"], main["usage"]) == ("claude-test-1", {"input": 6, "output": 2})
    assert (side["response_model"], side["usage"]) == (CLAUDE["model"], {"input": 5, "output": 1})


def test_numbers_with_a_point_keep_their_digits(metered: Home) -> None:
    raw = b'{"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "cost": 0.000148950000000000000000012}'
    body = json.dumps({**ANSWER, "usage": "HERE"}).encode().replace(b'"HERE"', raw)
    elsewhere(OPENAI, body).chat.completions.create(**CHAT)
    data = b"".join(lines_of(metered))
    assert b'"cost": 0.000148950000000000000000012' in data


def test_a_body_with_line_ends_is_one_line(metered: Home) -> None:
    elsewhere(OPENAI, json.dumps(ANSWER, indent=2).encode()).chat.completions.create(**CHAT)
    assert only(metered)["raw"] == USAGE


def test_a_long_answer_is_read_from_its_end(metered: Home) -> None:
    vectors = [{"object": "embedding", "index": index, "embedding": [0.1] * 100} for index in range(100)]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    for body in (
        {"object": "list", "data": vectors, "model": "e-1", "usage": usage},
        {"usage": usage, "model": "e-1", "object": "list", "data": vectors},
    ):
        for indent in (None, 1):
            client = elsewhere(OPENAI, json.dumps(body, indent=indent).encode())
            client.embeddings.create(model="e", input="x", encoding_format="float")
    for line in calls(metered):
        assert (line["response_model"], line["usage"], line["raw"]) == ("e-1", {"input": 8, "output": 0}, usage)


def test_a_long_body_that_the_caller_reads_himself(metered: Home) -> None:
    text = "word " * 100_000
    for order in (1, -1):
        body = {"id": "c-1", "model": "m-1", "choices": [{"message": {"content": text}}], "usage": USAGE}
        client = elsewhere(OPENAI, json.dumps(dict(list(body.items())[::order])).encode())
        with client.chat.completions.with_streaming_response.create(**CHAT) as answer:
            for _ in answer.iter_bytes(1000):
                pass
    lines = calls(metered)
    assert [line.get("usage") for line in lines] == [{"input": 5, "output": 2}] * 2
    assert lines[0]["response_model"] == "m-1"
