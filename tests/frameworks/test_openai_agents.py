"""The OpenAI Agents SDK over OpenAI's: a run is as many records as it asks models."""

from __future__ import annotations

from typing import Any

import pytest

from tests.frameworks.account import OPENAI, Account, framework

agents = framework("agents", "openai-agents")

pytestmark = pytest.mark.filterwarnings("ignore")

PROMPT = "hello there"


@pytest.fixture(autouse=True)
def no_traces() -> None:
    agents.set_tracing_disabled(True)


def client(account: Account) -> Any:
    import openai

    return openai.AsyncOpenAI(base_url=account.openai, api_key="sim", max_retries=0)


def chat(account: Account) -> Any:
    return agents.OpenAIChatCompletionsModel("gpt-4o-mini", client(account))


def responses(account: Account) -> Any:
    return agents.OpenAIResponsesModel("gpt-4o-mini", client(account))


models = pytest.mark.parametrize("model", [chat, responses])


@models
def test_a_run_is_one_record(model: Any, account: Account) -> None:
    assert account.run(agents.Runner.run(agents.Agent("host", model=model(account)), PROMPT)).final_output
    account.settles(OPENAI, stream=False)


@models
def test_a_streamed_run_is_one_record(model: Any, account: Account) -> None:
    async def read() -> list[Any]:
        result = agents.Runner.run_streamed(agents.Agent("host", model=model(account)), PROMPT)
        return [event async for event in result.stream_events()]

    assert account.run(read())
    account.settles(OPENAI, stream=True)


@models
@pytest.mark.parametrize("stream", [False, True])
def test_a_run_with_a_tool_is_a_record_for_each_turn(model: Any, stream: bool, account: Account) -> None:
    clock = agents.function_tool(lambda: "noon", name_override="clock", description_override="Tell the time.")
    agent = agents.Agent("host", model=model(account), tools=[clock])

    async def ask() -> Any:
        if not stream:
            return await agents.Runner.run(agent, PROMPT)
        result = agents.Runner.run_streamed(agent, PROMPT)
        async for _ in result.stream_events():
            pass
        return result

    result = account.run(ask())
    assert result.final_output
    assert result.context_wrapper.usage.requests == len(account.sim.requests) > 1
    account.settles(*[OPENAI] * len(account.sim.requests), stream=stream)


@models
def test_a_handoff_is_a_record_for_each_agent(model: Any, account: Account) -> None:
    second = agents.Agent("second", model=model(account))
    first = agents.Agent("first", model=model(account), handoffs=[second])
    assert account.run(agents.Runner.run(first, PROMPT)).last_agent.name == "second"
    account.settles(OPENAI, OPENAI, stream=False)
