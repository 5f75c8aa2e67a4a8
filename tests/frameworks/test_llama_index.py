"""LlamaIndex over OpenAI's SDK."""

from __future__ import annotations

from typing import Any

import pytest

from tests.frameworks.account import OPENAI, Account, framework

llama = framework("llama_index.llms.openai", "llama-index")

pytestmark = pytest.mark.filterwarnings("ignore")

PROMPT = "hello there"


def chat(account: Account) -> Any:
    return llama.OpenAI(model="gpt-4o-mini", api_base=account.openai, api_key="sim", max_retries=0)


def responses(account: Account) -> Any:
    return llama.OpenAIResponses(model="gpt-4o-mini", api_base=account.openai, api_key="sim", max_retries=0)


def messages() -> list[Any]:
    from llama_index.core.llms import ChatMessage

    return [ChatMessage(role="user", content=PROMPT)]


models = pytest.mark.parametrize("model", [chat, responses])


@models
def test_an_answer_is_one_record(model: Any, account: Account) -> None:
    assert model(account).chat(messages()).message.content
    account.settles(OPENAI, stream=False)


@models
def test_a_completion_is_one_record(model: Any, account: Account) -> None:
    assert model(account).complete(PROMPT).text
    account.settles(OPENAI, stream=False)


@models
def test_a_stream_is_one_record(model: Any, account: Account) -> None:
    assert list(model(account).stream_chat(messages()))
    account.settles(OPENAI, stream=True)


@models
def test_an_asynchronous_answer_is_one_record(model: Any, account: Account) -> None:
    assert account.run(model(account).achat(messages())).message.content
    account.settles(OPENAI, stream=False)


@models
def test_an_asynchronous_stream_is_one_record(model: Any, account: Account) -> None:
    async def read() -> list[Any]:
        return [piece async for piece in await model(account).astream_chat(messages())]

    assert account.run(read())
    account.settles(OPENAI, stream=True)


@models
def test_structured_output_is_one_record(model: Any, account: Account) -> None:
    from llama_index.core.prompts import PromptTemplate
    from pydantic import create_model

    greeting = create_model("Greeting", text=(str | None, None))
    assert model(account).structured_predict(greeting, PromptTemplate(PROMPT))
    account.settles(OPENAI, stream=False)


def test_an_agent_is_a_record_for_each_turn(account: Account) -> None:
    from llama_index.core.agent.workflow import FunctionAgent

    def clock() -> str:
        """Tell the time."""
        return "noon"

    async def ask() -> Any:
        return await FunctionAgent(tools=[clock], llm=chat(account)).run(user_msg=PROMPT)

    assert account.run(ask())
    turns = len(account.sim.requests)
    assert turns > 1
    account.settles(*[OPENAI] * turns, stream=True)
