from __future__ import annotations

import asyncio
from typing import Any

from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from meter.simulator import Simulator
from tests.simulator.conftest import TOOL, needs_openai_2

pytestmark = needs_openai_2
MODEL = "gpt-5-mini"

TEXT_SEQUENCE = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


class Answer(BaseModel):
    city: str


def stated(usage: Any) -> tuple[int, int, int, int]:
    return (
        usage.input_tokens,
        usage.input_tokens_details.cached_tokens,
        usage.output_tokens,
        usage.output_tokens_details.reasoning_tokens,
    )


def test_a_plain_response_states_the_fixture(openai: OpenAI) -> None:
    response = openai.responses.create(model=MODEL, input="How much?")
    assert stated(response.usage) == (11, 3, 7, 2)
    assert (response.status, response.service_tier, response.model) == ("completed", "default", "gpt-5-mini-2025-08-07")
    assert response.output_text


def test_a_stream_sends_the_events_in_their_order_with_usage_in_the_last(openai: OpenAI) -> None:
    events: list[Any] = list(openai.responses.create(model=MODEL, input="How much?", stream=True))
    assert [event.type for event in events] == TEXT_SEQUENCE
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].response.usage is None
    assert stated(events[-1].response.usage) == (11, 3, 7, 2)


def test_async_clients_are_answered_alike(sim: Simulator) -> None:
    async def calls() -> tuple[Any, list[str]]:
        async with AsyncOpenAI(api_key="k", base_url=sim.url + "/v1") as client:
            plain = await client.responses.create(model=MODEL, input="How much?")
            stream = await client.responses.create(model=MODEL, input="How much?", stream=True)
            return plain.usage, [event.type async for event in stream]

    usage, events = asyncio.run(calls())
    assert (stated(usage), events) == ((11, 3, 7, 2), TEXT_SEQUENCE)


def test_the_stream_helper_and_parse_read_a_structured_answer(openai: OpenAI) -> None:
    assert openai.responses.parse(model=MODEL, input="Where?", text_format=Answer).output_parsed == Answer(
        city="metered"
    )
    with openai.responses.stream(model=MODEL, input="Where?", text_format=Answer) as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_parsed == Answer(city="metered")


def test_a_background_response_has_no_usage_until_it_is_retrieved(openai: OpenAI) -> None:
    queued = openai.responses.create(model=MODEL, input="How much?", background=True)
    assert (queued.status, queued.usage, queued.background) == ("queued", None, True)
    done = openai.responses.retrieve(queued.id)
    assert (done.status, done.id, stated(done.usage)) == ("completed", queued.id, (11, 3, 7, 2))


def test_a_response_cut_short_is_incomplete_plainly_and_in_a_stream(openai: OpenAI) -> None:
    response = openai.responses.create(model="trunc", input="How much?")
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    events: list[Any] = list(openai.responses.create(model="trunc", input="How much?", stream=True))
    assert events[-1].type == "response.incomplete"
    assert stated(events[-1].response.usage) == (11, 3, 7, 2)


def test_an_offered_function_is_called_plainly_and_in_a_stream(openai: OpenAI) -> None:
    tools: Any = [{"type": "function", "strict": False, **TOOL}]
    item: Any = openai.responses.create(model=MODEL, input="How much?", tools=tools).output[0]
    assert (item.type, item.name, item.arguments) == ("function_call", "look_up", "{}")
    events = [event.type for event in openai.responses.create(model=MODEL, input="How much?", tools=tools, stream=True)]
    assert "response.function_call_arguments.done" in events
    assert events[-1] == "response.completed"


def test_web_searches_are_counted_beside_the_usage(openai: OpenAI) -> None:
    tools: Any = [{"type": "web_search"}]
    response = openai.responses.create(model=MODEL, input="How much?", tools=tools)
    assert response.model_dump()["tool_usage"]["web_search"] == {"num_requests": 1}


def test_input_tokens_are_counted_for_nothing(openai: OpenAI) -> None:
    assert openai.responses.input_tokens.count(model=MODEL, input="How much?").input_tokens == 11
