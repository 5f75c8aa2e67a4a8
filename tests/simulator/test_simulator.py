from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai as openai_sdk
import pytest
from anthropic import Anthropic
from openai import OpenAI

from meter.simulator import Simulator
from meter.simulator.wire import example
from tests.simulator.conftest import ASK

EXACT = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 400},
}


def usage_of(client: OpenAI, model: str = "gpt-4o", **extra: Any) -> dict[str, Any]:
    answer: Any = client.chat.completions.create(model=model, messages=ASK, **extra).to_dict()
    usage: dict[str, Any] = answer["usage"]
    return usage


def test_a_header_fixes_the_usage_of_one_request_exactly(openai: OpenAI) -> None:
    headers = {"x-sim-usage": json.dumps(EXACT)}
    assert usage_of(openai, extra_headers=headers) == EXACT
    stream = openai.chat.completions.create(
        model="gpt-4o", messages=ASK, stream=True, stream_options={"include_usage": True}, extra_headers=headers
    )
    assert list(stream)[-1].to_dict()["usage"] == EXACT


def test_a_simulator_can_serve_one_usage_per_api() -> None:
    stated = {"input_tokens": 5, "output_tokens": 40, "cache_read_input_tokens": 9}
    with Simulator(usage={"anthropic.messages": stated}) as sim, Anthropic(api_key="k", base_url=sim.url) as client:
        call: Any = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": ASK}
        assert client.messages.create(**call).usage.model_dump(exclude_unset=True) == stated
        events: list[Any] = list(client.messages.create(**call, stream=True))
        assert events[0].message.usage.output_tokens == 1
        assert events[-2].usage.model_dump(exclude_unset=True) == stated


@pytest.mark.parametrize(("header", "why"), [("x-sim-usage", "is no JSON"), ("x-sim-delay", "is no number of seconds")])
def test_a_header_that_cannot_be_read_is_refused(openai: OpenAI, header: str, why: str) -> None:
    with pytest.raises(openai_sdk.BadRequestError, match=why):
        usage_of(openai, extra_headers={header: "{"})


def test_seeded_usage_varies_with_the_request_and_repeats_with_the_seed() -> None:
    def draw(seed: int) -> list[int]:
        with Simulator(seed=seed) as sim, OpenAI(api_key="k", base_url=sim.url) as client:
            return [usage_of(client, user=f"user {number}")["total_tokens"] for number in range(12)]

    first = draw(1)
    assert draw(1) == first
    assert draw(2) != first
    assert len(set(first)) > 8


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5", "o3", "claude-like"])
def test_seeded_usage_is_consistent_and_realistic(model: str) -> None:
    with Simulator(seed=3) as sim, OpenAI(api_key="k", base_url=sim.url) as client:
        for number in range(10):
            usage = usage_of(client, model, user=str(number))
            assert 0 <= usage["prompt_tokens_details"]["cached_tokens"] < usage["prompt_tokens"] < 100_000
            assert 0 <= usage["completion_tokens_details"]["reasoning_tokens"] <= usage["completion_tokens"] < 50_000


def test_seeded_output_stays_within_what_the_caller_allows() -> None:
    with Simulator(seed=3) as sim, OpenAI(api_key="k", base_url=sim.url) as client:
        assert usage_of(client, "o3", max_tokens=5)["completion_tokens"] == 5


def test_seeded_embeddings_have_no_output_and_messages_write_to_the_cache() -> None:
    with Simulator(seed=3) as sim:
        with OpenAI(api_key="k", base_url=sim.url) as client:
            usage = client.embeddings.create(model="text-embedding-3-small", input="x").usage
            assert usage.prompt_tokens == usage.total_tokens > 0
        with Anthropic(api_key="k", base_url=sim.url) as other:
            call: Any = {"model": "claude-haiku-4-5", "max_tokens": 4096}
            answers = [other.messages.create(**call, messages=[{"role": "user", "content": str(n)}]) for n in range(5)]
            assert any(answer.usage.cache_creation_input_tokens for answer in answers)


def test_requests_are_remembered_as_they_came_up_to_a_bound() -> None:
    with Simulator(max_remembered=2) as sim, OpenAI(api_key="sk-secret", base_url=sim.url) as client:
        for number in range(3):
            usage_of(client, user=str(number))
        assert [request.body["user"] for request in sim.requests] == ["1", "2"]
        method, path, body, headers = sim.requests[-1]
    assert (method, path, body["model"]) == ("POST", "/chat/completions", "gpt-4o")
    assert headers["authorization"] == "Bearer sk-secret"


def test_closing_ends_stalls_and_idle_connections_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    sim = Simulator(stall_s=60)
    with OpenAI(api_key="k", base_url=sim.url, max_retries=0) as client, ThreadPoolExecutor(1) as pool:
        usage_of(client)  # its connection stays open
        stalled = pool.submit(usage_of, client, "slow")
        while len(sim.requests) < 2:
            time.sleep(0.005)
        sim.close()
        assert stalled.exception() is not None
    sim.close()
    assert set(threading.enumerate()) <= before


def test_many_clients_are_served_at_once(sim: Simulator) -> None:
    def calls(_: int) -> int:
        with OpenAI(api_key="k", base_url=sim.url) as client:
            return sum(usage_of(client)["total_tokens"] for _ in range(5))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(calls, range(8))) == [90] * 8
    assert len(sim.requests) == 40


def test_a_client_that_leaves_early_disturbs_nobody(sim: Simulator, openai: OpenAI) -> None:
    sim.delay_s = 0.01
    with openai.chat.completions.create(model="gpt-4o", messages=ASK, stream=True) as stream:
        next(iter(stream))
    assert usage_of(openai)["total_tokens"] == 18


@pytest.mark.parametrize("body", [b"", b"a=1&b=2", b"[1, 2]"])
def test_an_unknown_place_is_not_found_whatever_is_sent(sim: Simulator, body: bytes) -> None:
    request = urllib.request.Request(sim.url + "/v1/nowhere", data=body)
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        urllib.request.urlopen(request)
    with caught.value as response:
        assert "no such place: POST /v1/nowhere" in json.loads(response.read())["error"]["message"]


def test_the_smallest_value_of_a_schema_fits_it() -> None:
    schema = {
        "type": "object",
        "properties": {
            "color": {"enum": ["red", "blue"]},
            "kind": {"const": "point"},
            "at": {"$ref": "#/$defs/At"},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "sure": {"type": "boolean"},
        },
        "$defs": {"At": {"type": "object", "properties": {"x": {"type": "number"}}}},
    }
    assert example(schema, schema) == {"color": "red", "kind": "point", "at": {"x": 1.5}, "maybe": None, "sure": True}
