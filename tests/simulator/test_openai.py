from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from pydantic import BaseModel

from meter.simulator import Simulator
from tests.simulator.conftest import ASK, TOOL, needs_openai_2

MODEL = "gpt-4o-mini"


class Answer(BaseModel):
    city: str
    population: int
    names: list[str]


def stated(usage: Any) -> tuple[int, int, int, int]:
    """Input, cached, output and reasoning, whatever the version of the SDK makes of the details."""
    data = usage.model_dump()
    cached = data["prompt_tokens_details"]["cached_tokens"]
    return (
        data["prompt_tokens"],
        cached,
        data["completion_tokens"],
        data["completion_tokens_details"]["reasoning_tokens"],
    )


def test_a_plain_chat_states_the_fixture_and_answers_with_a_dated_model(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(model=MODEL, messages=ASK)
    assert stated(answer.usage) == (11, 3, 7, 2)
    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.id.startswith("chatcmpl-")


def test_the_headers_name_the_account_the_project_and_the_request(sim: Simulator) -> None:
    with OpenAI(api_key="k", base_url=sim.url, organization="org-a", project="proj_b") as client:
        named = client.chat.completions.with_raw_response.create(model=MODEL, messages=ASK)
    assert named.headers["openai-organization"] == "org-a"
    assert named.headers["openai-project"] == "proj_b"
    assert named.headers["openai-processing-ms"] == "7"
    assert named.headers["x-request-id"].startswith("req_")


def test_a_stream_has_five_chunks_and_no_usage(openai: OpenAI) -> None:
    chunks = list(openai.chat.completions.create(model=MODEL, messages=ASK, stream=True))
    assert len(chunks) == 5
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 4 + ["stop"]


def test_a_stream_that_was_asked_states_usage_last_and_null_before(openai: OpenAI) -> None:
    with openai.chat.completions.with_streaming_response.create(
        model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True}
    ) as response:
        lines = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    assert lines.pop() == "[DONE]"
    chunks = [json.loads(line) for line in lines]
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * 5
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["total_tokens"] == 18


def test_async_clients_are_answered_alike(sim: Simulator) -> None:
    async def calls() -> tuple[Any, int]:
        async with AsyncOpenAI(api_key="k", base_url=sim.url + "/v1") as client:
            plain = await client.chat.completions.create(model=MODEL, messages=ASK)
            stream = await client.chat.completions.create(model=MODEL, messages=ASK, stream=True)
            return plain.usage, len([chunk async for chunk in stream])

    usage, chunks = asyncio.run(calls())
    assert (stated(usage), chunks) == ((11, 3, 7, 2), 5)


def test_n_gives_so_many_choices(openai: OpenAI) -> None:
    assert [c.index for c in openai.chat.completions.create(model=MODEL, messages=ASK, n=3).choices] == [0, 1, 2]
    chunks = list(openai.chat.completions.create(model=MODEL, messages=ASK, n=2, stream=True))
    assert [chunk.choices[0].index for chunk in chunks] == [0, 1] * 5


def test_an_offered_tool_is_called_plainly_and_in_a_stream(openai: OpenAI) -> None:
    tools: Any = [{"type": "function", "function": TOOL}]
    choice = openai.chat.completions.create(model=MODEL, messages=ASK, tools=tools).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    assert choice.message.tool_calls[0].model_dump()["function"] == {"name": "look_up", "arguments": "{}"}
    chunks = list(openai.chat.completions.create(model=MODEL, messages=ASK, tools=tools, stream=True))
    parts = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    assert "".join(part.function.arguments or "" for part in parts if part.function) == "{}"
    assert len(chunks) == 5


def test_a_tool_whose_result_came_back_is_not_called_again(openai: OpenAI) -> None:
    turns: Any = [*ASK, {"role": "tool", "tool_call_id": "call_1", "content": "42"}]
    tools: Any = [{"type": "function", "function": TOOL}]
    assert openai.chat.completions.create(model=MODEL, messages=turns, tools=tools).choices[0].finish_reason == "stop"


@needs_openai_2
def test_a_structured_answer_fits_its_type(openai: OpenAI) -> None:
    parsed = openai.chat.completions.parse(model=MODEL, messages=ASK, response_format=Answer)
    assert parsed.choices[0].message.parsed == Answer(city="metered", population=1, names=[])


@needs_openai_2
def test_a_structured_answer_cut_short_raises_as_the_sdk_does(openai: OpenAI) -> None:
    from openai import LengthFinishReasonError

    with pytest.raises(LengthFinishReasonError) as caught:
        openai.chat.completions.parse(model="trunc", messages=ASK, response_format=Answer)
    assert stated(caught.value.completion.usage) == (11, 3, 7, 2)


@needs_openai_2
def test_the_stream_helper_puts_the_answer_together(openai: OpenAI) -> None:
    with openai.chat.completions.stream(model=MODEL, messages=ASK, response_format=Answer) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.parsed == Answer(city="metered", population=1, names=[])


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_embeddings_come_as_floats_and_as_base64(openai: OpenAI, encoding: Any) -> None:
    extra = {"encoding_format": encoding} if encoding else {}
    answer = openai.embeddings.create(model="text-embedding-3-small", input=["a", "b"], **extra)
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens, len(answer.data)) == (11, 11, 2)
    vector: Any = answer.data[1].embedding
    assert vector.startswith("AACAPgAA") if encoding == "base64" else vector[:2] == [0.25, -0.5]


@pytest.mark.parametrize("text", ["one text", [1, 2, 3]])
def test_a_single_text_or_its_tokens_give_one_embedding(openai: OpenAI, text: Any) -> None:
    assert len(openai.embeddings.create(model="text-embedding-3-small", input=text).data) == 1


def test_legacy_completions_are_served(openai: OpenAI) -> None:
    answer = openai.completions.create(model="gpt-3.5-turbo-instruct", prompt="Say")
    assert stated(answer.usage) == (11, 3, 7, 2)
    chunks = list(openai.completions.create(model="gpt-3.5-turbo-instruct", prompt="Say", stream=True))
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, "stop"]
    asked = openai.completions.create(
        model="gpt-3.5-turbo-instruct", prompt="Say", stream=True, stream_options={"include_usage": True}
    )
    assert stated(list(asked)[-1].usage) == (11, 3, 7, 2)


def test_models_are_listed_and_retrieved(openai: OpenAI) -> None:
    assert "gpt-4o-mini-2024-07-18" in {model.id for model in openai.models.list()}
    assert openai.models.retrieve("o3").id == "o3"


def test_an_azure_deployment_is_answered_under_its_path(sim: Simulator) -> None:
    with AzureOpenAI(api_key="k", azure_endpoint=sim.url, api_version="2024-10-21") as client:
        assert stated(client.chat.completions.create(model=MODEL, messages=ASK).usage) == (11, 3, 7, 2)
    assert sim.requests[-1].path == f"/openai/deployments/{MODEL}/chat/completions?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("asked", "served"), [(None, "default"), ("auto", "default"), ("default", "default"), ("flex", "flex")]
)
def test_the_tier_served_is_named_as_openai_names_it(openai: OpenAI, asked: str | None, served: str) -> None:
    extra = {"service_tier": asked} if asked else {}
    assert (
        openai.chat.completions.create(model=MODEL, messages=ASK, extra_body=extra).model_dump()["service_tier"]
        == served
    )


def test_a_header_fixes_the_tier_served(openai: OpenAI) -> None:
    answer = openai.chat.completions.create(
        model=MODEL, messages=ASK, extra_body={"service_tier": "flex"}, extra_headers={"x-sim-tier": "default"}
    )
    assert answer.model_dump()["service_tier"] == "default"
