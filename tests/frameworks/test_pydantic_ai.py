"""pydantic-ai over the SDKs of OpenAI and Anthropic: an agent's run is as many records as it asks models."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.frameworks.account import ANTHROPIC, OPENAI, Account, framework

pydantic_ai = framework("pydantic_ai", "pydantic-ai")

pytestmark = pytest.mark.filterwarnings("ignore")

PROMPT = "hello there"


def chat(account: Account) -> Any:
    from pydantic_ai.models.openai import OpenAIChatModel

    return OpenAIChatModel("gpt-4o-mini", provider=_openai(account))


def responses(account: Account) -> Any:
    from pydantic_ai.models.openai import OpenAIResponsesModel

    return OpenAIResponsesModel("gpt-4o-mini", provider=_openai(account))


def claude(account: Account) -> Any:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    provider = AnthropicProvider(api_key="sim", base_url=account.anthropic)
    return AnthropicModel("claude-haiku-4-5", provider=provider)


def _openai(account: Account) -> Any:
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIProvider(api_key="sim", base_url=account.openai)


MODELS = [(chat, OPENAI), (responses, OPENAI), (claude, ANTHROPIC)]
models = pytest.mark.parametrize(("model", "stated"), MODELS, ids=["chat", "responses", "claude"])


@models
def test_a_run_is_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    assert account.run(pydantic_ai.Agent(model(account)).run(PROMPT)).output
    account.settles(stated)


@models
def test_a_synchronous_run_is_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    asyncio.set_event_loop(account.loop)  # the one that the framework takes
    try:
        assert pydantic_ai.Agent(model(account)).run_sync(PROMPT).output
    finally:
        asyncio.set_event_loop(None)
    account.settles(stated)


@models
def test_a_streamed_run_is_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    async def read() -> list[str]:
        async with pydantic_ai.Agent(model(account)).run_stream(PROMPT) as result:
            return [text async for text in result.stream_text(delta=True)]

    assert account.run(read())
    account.settles(stated, stream=True)


@models
def test_the_events_of_a_run_are_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    from pydantic_ai.direct import model_request_stream
    from pydantic_ai.messages import ModelRequest

    async def read() -> list[Any]:
        async with model_request_stream(model(account), [ModelRequest.user_text_prompt(PROMPT)]) as stream:
            return [event async for event in stream]

    assert account.run(read())
    account.settles(stated, stream=True)


@models
def test_a_run_with_a_tool_is_a_record_for_each_turn(model: Any, stated: dict[str, int], account: Account) -> None:
    agent = pydantic_ai.Agent(model(account))
    asked: list[str] = []

    def clock() -> str:
        """Tell the time."""
        asked.append("time")
        return "noon"

    agent.tool_plain(clock)
    result = account.run(agent.run(PROMPT))
    turns = len(account.sim.requests)
    assert asked == ["time"]
    assert turns == result.usage.requests == 2
    account.settles(*[stated] * turns)
