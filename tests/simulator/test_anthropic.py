from __future__ import annotations

import asyncio
from typing import Any

from anthropic import Anthropic, AsyncAnthropic
from pydantic import BaseModel

from meter.simulator import Simulator
from tests.simulator.conftest import ASK, TOOL, needs_anthropic_1

MODEL = "claude-haiku-4-5"
CALL: Any = {"model": MODEL, "max_tokens": 100, "messages": ASK}
TOOLS: Any = [{"name": TOOL["name"], "input_schema": TOOL["parameters"]}]

SEQUENCE = [
    "message_start",
    "content_block_start",
    *["content_block_delta"] * 3,
    "content_block_stop",
    "message_delta",
    "message_stop",
]

FIXTURE = {
    "input_tokens": 11,
    "cache_creation_input_tokens": 5,
    "cache_read_input_tokens": 3,
    "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 1},
    "output_tokens": 7,
    "server_tool_use": {"web_search_requests": 1},
    "service_tier": "standard",
}
LAST = {key: value for key, value in FIXTURE.items() if key not in ("cache_creation", "service_tier")}


class Answer(BaseModel):
    city: str


def stated(usage: Any) -> Any:
    return usage.model_dump(exclude_unset=True)


def test_a_plain_message_states_the_fixture_and_answers_with_a_dated_model(anthropic: Anthropic) -> None:
    message = anthropic.messages.create(**CALL)
    assert stated(message.usage) == FIXTURE
    assert (message.model, message.stop_reason) == ("claude-haiku-4-5-20251001", "end_turn")


def test_the_headers_name_the_organization_and_the_request(anthropic: Anthropic) -> None:
    named = anthropic.messages.with_raw_response.create(**CALL, extra_headers={"x-sim-organization": "org-a"})
    assert named.headers["anthropic-organization-id"] == "org-a"
    assert named.headers["request-id"].startswith("req_01")


def test_a_stream_starts_with_a_placeholder_and_ends_with_cumulative_counts(anthropic: Anthropic) -> None:
    events: list[Any] = list(anthropic.messages.create(**CALL, stream=True))
    assert [event.type for event in events] == SEQUENCE
    first = stated(events[0].message.usage)
    assert (first["input_tokens"], first["output_tokens"]) == (11, 1)
    assert "server_tool_use" not in first
    assert stated(events[-2].usage) == LAST


def test_the_wire_of_a_stream_has_a_ping(anthropic: Anthropic) -> None:
    with anthropic.messages.with_streaming_response.create(**CALL, stream=True) as response:
        names = [line for line in response.iter_lines() if line.startswith("event: ")]
    assert names.count("event: ping") == 1


def test_the_stream_helper_puts_the_message_together(anthropic: Anthropic) -> None:
    with anthropic.messages.stream(**CALL) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert final.usage.output_tokens == 7
    assert final.usage.cache_read_input_tokens == 3
    assert [getattr(block, "text", None) for block in final.content] == [text]


def test_beta_messages_are_served_alike(anthropic: Anthropic, sim: Simulator) -> None:
    assert stated(anthropic.beta.messages.create(**CALL).usage) == FIXTURE
    assert sim.requests[-1].path in ("/v1/messages", "/v1/messages?beta=true")  # by version
    assert [event.type for event in anthropic.beta.messages.create(**CALL, stream=True)] == SEQUENCE


def test_async_clients_are_answered_alike(sim: Simulator) -> None:
    async def calls() -> tuple[Any, list[str]]:
        async with AsyncAnthropic(api_key="k", base_url=sim.url) as client:
            plain = await client.messages.create(**CALL)
            stream = await client.messages.create(**CALL, stream=True)
            return plain.usage, [event.type async for event in stream]

    usage, events = asyncio.run(calls())
    assert (stated(usage), events) == (FIXTURE, SEQUENCE)


def test_an_offered_tool_is_used_plainly_and_in_a_stream(anthropic: Anthropic) -> None:
    message = anthropic.messages.create(**CALL, tools=TOOLS)
    assert (message.stop_reason, message.content[0].type) == ("tool_use", "tool_use")
    with anthropic.messages.stream(**CALL, tools=TOOLS) as stream:
        block: Any = stream.get_final_message().content[0]
    assert (block.name, block.input) == ("look_up", {})


def test_a_tool_whose_result_came_back_is_not_used_again(anthropic: Anthropic) -> None:
    result: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "42"}]}
    message = anthropic.messages.create(**{**CALL, "messages": [*CALL["messages"], result]}, tools=TOOLS)
    assert message.stop_reason == "end_turn"


@needs_anthropic_1
def test_a_structured_answer_fits_its_type(anthropic: Anthropic) -> None:
    assert anthropic.messages.parse(**CALL, output_format=Answer).parsed_output == Answer(city="metered")


def test_tokens_are_counted_for_nothing(anthropic: Anthropic) -> None:
    assert anthropic.beta.messages.count_tokens(model=MODEL, messages=ASK).input_tokens == 19


@needs_anthropic_1
def test_models_are_listed_and_retrieved(anthropic: Anthropic) -> None:
    assert "claude-haiku-4-5-20251001" in {model.id for model in anthropic.models.list()}
    assert anthropic.models.retrieve(MODEL).id == MODEL


def test_a_message_cut_short_says_max_tokens(anthropic: Anthropic) -> None:
    assert anthropic.messages.create(model="trunc", max_tokens=1, messages=ASK).stop_reason == "max_tokens"
