"""LangChain over the SDKs of OpenAI and Anthropic, most of it through their raw responses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.account import ANTHROPIC, EMBEDDINGS, OPENAI, Account, framework

langchain_openai = framework("langchain_openai", "langchain")
langchain_anthropic = framework("langchain_anthropic", "langchain")

pytestmark = pytest.mark.filterwarnings("ignore")

PROMPT = "hello there"


def chat(account: Account, **more: Any) -> Any:
    return langchain_openai.ChatOpenAI(
        model="gpt-4o-mini", base_url=account.openai, api_key="sim", max_retries=0, **more
    )


def responses(account: Account, **more: Any) -> Any:
    return chat(account, use_responses_api=True, **more)


def claude(account: Account, **more: Any) -> Any:
    return langchain_anthropic.ChatAnthropic(
        model="claude-haiku-4-5", base_url=account.anthropic, api_key="sim", max_retries=0, **more
    )


MODELS = [(chat, OPENAI), (responses, OPENAI), (claude, ANTHROPIC)]
models = pytest.mark.parametrize(("model", "stated"), MODELS, ids=["chat", "responses", "claude"])


@models
def test_an_answer_is_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    assert model(account).invoke(PROMPT).content
    account.settles(stated, stream=False)


@models
def test_a_stream_is_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    assert list(model(account).stream(PROMPT))
    account.settles(stated, stream=True)


def test_a_stream_that_the_framework_does_not_ask_usage_of_is_one_record(account: Account) -> None:
    assert list(chat(account, stream_usage=False).stream(PROMPT))
    account.settles(OPENAI, stream=True)


@models
def test_an_answer_made_of_a_stream_is_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    assert model(account, streaming=True).invoke(PROMPT).content
    account.settles(stated, stream=True)


@models
def test_an_asynchronous_answer_is_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    assert account.run(model(account).ainvoke(PROMPT)).content
    account.settles(stated, stream=False)


@models
def test_an_asynchronous_stream_is_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    async def read() -> list[Any]:
        return [piece async for piece in model(account).astream(PROMPT)]

    assert account.run(read())
    account.settles(stated, stream=True)


@models
def test_events_of_a_stream_are_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    async def read() -> list[Any]:
        return [event async for event in model(account).astream_events(PROMPT, version="v2")]

    assert account.run(read())
    account.settles(stated, stream=True)


@models
def test_a_batch_is_a_record_for_each_prompt(model: Any, stated: dict[str, int], account: Account) -> None:
    assert len(model(account).batch([PROMPT, "and you"])) == 2
    account.settles(stated, stated, stream=False)


@models
def test_structured_output_is_one_record(model: Any, stated: dict[str, int], account: Account) -> None:
    schema = {
        "title": "Greeting",
        "description": "a greeting",
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": False,
    }
    model(account).with_structured_output(schema, include_raw=True).invoke(PROMPT)
    account.settles(stated, stream=False)


def test_embeddings_are_one_record(account: Account) -> None:
    embeddings = langchain_openai.OpenAIEmbeddings(
        base_url=account.openai, api_key="sim", max_retries=0, check_embedding_ctx_length=False
    )
    assert embeddings.embed_query(PROMPT)
    account.settles(EMBEDDINGS)


def memory(_: Path) -> Any:
    return framework("langchain_core.caches", "langchain").InMemoryCache()


def sqlite(folder: Path) -> Any:
    return framework("langchain_community.cache", "langchain").SQLiteCache(str(folder / "cache.db"))


@models
@pytest.mark.parametrize("cache", [memory, sqlite])
def test_an_answer_from_the_cache_is_no_record(
    cache: Any, model: Any, stated: dict[str, int], account: Account, tmp_path: Path
) -> None:
    cached = model(account, cache=cache(tmp_path))
    answers = {cached.invoke(PROMPT).text for _ in range(3)}
    assert len(answers) == 1
    account.settles(stated)


@models
def test_a_stream_from_the_cache_is_no_record(model: Any, stated: dict[str, int], account: Account) -> None:
    cached = model(account, cache=memory(Path()), streaming=True)
    for _ in range(3):
        cached.invoke(PROMPT)
    account.settles(stated)
