"""LiteLLM: by OpenAI's SDK, or by itself in the wire of each vendor."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.account import ANTHROPIC, EMBEDDINGS, OPENAI, Account, framework

litellm = framework("litellm", "litellm")

pytestmark = pytest.mark.filterwarnings("ignore")

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "hello there"}], "api_key": "sim", "max_retries": 0}
LOCAL = {"input": 8, "output": 5}
CLAUDE_ELSEWHERE = {name: count for name, count in ANTHROPIC.items() if name != "web_searches"}
AWS = {"aws_access_key_id": "sim", "aws_secret_access_key": "sim", "aws_region_name": "us-east-1"}


@pytest.fixture(autouse=True)
def no_cache() -> Iterator[None]:
    litellm.in_memory_llm_clients_cache.flush_cache()
    yield
    litellm.cache = None


class Vendor:
    """One vendor as LiteLLM calls it: the model, where its wire lies at the simulator, and what that states."""

    def __init__(self, model: str, path: str, stated: dict[str, int], **more: Any) -> None:
        self.model, self.path, self.stated, self.more = model, path, stated, more

    def __repr__(self) -> str:
        return self.model

    def ask(self, account: Account) -> dict[str, Any]:
        base = account.anthropic if self.model.startswith("anthropic") else account.sim.url
        return {**ASK, "model": self.model, "api_base": base + self.path, **self.more}


VENDORS = [
    Vendor("openai/gpt-4o-mini", "/v1", OPENAI),
    Vendor("azure/gpt-4o-mini", "", OPENAI, api_version="2024-10-21"),
    Vendor("anthropic/claude-haiku-4-5", "", ANTHROPIC),
    Vendor("gemini/gemini-2.5-flash", "", OPENAI),
    Vendor("bedrock/anthropic.claude-haiku-4-5", "", CLAUDE_ELSEWHERE, **AWS),
    Vendor("deepseek/deepseek-chat", "/v1", OPENAI),
    Vendor("xai/grok-4", "/v1", OPENAI),
    Vendor("openrouter/openai/gpt-4o-mini", "/v1", OPENAI),
    Vendor("together_ai/qwen3", "/v1", OPENAI),
    Vendor("fireworks_ai/qwen3", "/v1", OPENAI),
    Vendor("perplexity/sonar", "", OPENAI),
    Vendor("hosted_vllm/qwen3", "/v1", OPENAI),
    Vendor("ollama_chat/qwen3", "", LOCAL),
]
vendors = pytest.mark.parametrize("vendor", VENDORS, ids=repr)


@vendors
def test_an_answer_is_one_record(vendor: Vendor, account: Account) -> None:
    assert litellm.completion(**vendor.ask(account)).choices
    account.settles(vendor.stated)


@vendors
def test_a_stream_is_one_record(vendor: Vendor, account: Account) -> None:
    assert list(litellm.completion(**vendor.ask(account), stream=True))
    account.settles(vendor.stated)


@vendors
def test_an_asynchronous_answer_is_one_record(vendor: Vendor, account: Account) -> None:
    assert account.run(litellm.acompletion(**vendor.ask(account))).choices
    account.settles(vendor.stated)


@vendors
def test_an_asynchronous_stream_is_one_record(vendor: Vendor, account: Account) -> None:
    async def read() -> list[Any]:
        return [chunk async for chunk in await litellm.acompletion(**vendor.ask(account), stream=True)]

    assert account.run(read())
    account.settles(vendor.stated)


def test_an_answer_of_cohere_is_one_record(account: Account) -> None:
    """It states billed units, which have no cache and no reasoning; of its streams LiteLLM makes nothing."""
    assert litellm.completion(**Vendor("cohere_chat/command-r", "/v2/chat", LOCAL).ask(account)).choices
    account.settles(LOCAL)


EMBEDDERS = [Vendor("openai/text-embedding-3-small", "/v1", EMBEDDINGS), Vendor("hosted_vllm/bge", "/v1", EMBEDDINGS)]


@pytest.mark.parametrize("vendor", EMBEDDERS, ids=repr)
def test_embeddings_are_one_record(vendor: Vendor, account: Account) -> None:
    asked = {**vendor.ask(account), "input": ["hello there"]}
    del asked["messages"]
    assert litellm.embedding(**asked).data
    assert account.run(litellm.aembedding(**asked)).data
    account.settles(EMBEDDINGS, EMBEDDINGS)


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_is_one_record(stream: bool, account: Account) -> None:
    asked = {"model": "openai/gpt-4o-mini", "input": "hello there", "api_base": account.openai, "api_key": "sim"}
    answer = litellm.responses(**asked, stream=stream)
    assert list(answer) if stream else answer.output
    account.settles(OPENAI, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
def test_an_asynchronous_response_is_one_record(stream: bool, account: Account) -> None:
    async def ask() -> Any:
        asked = {"model": "openai/gpt-4o-mini", "input": "hello there", "api_base": account.openai, "api_key": "sim"}
        answer = await litellm.aresponses(**asked, stream=stream)
        return [event async for event in answer] if stream else answer.output

    assert account.run(ask())
    account.settles(OPENAI, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
def test_a_message_of_its_interface_like_anthropics_is_one_record(stream: bool, account: Account) -> None:
    async def ask() -> Any:
        vendor = Vendor("anthropic/claude-haiku-4-5", "", ANTHROPIC)
        answer = await litellm.anthropic.messages.acreate(**vendor.ask(account), max_tokens=64, stream=stream)
        return [event async for event in answer] if stream else answer

    assert account.run(ask())
    account.settles(ANTHROPIC, stream=stream)


def memory(_: Path) -> Any:
    return litellm.Cache(type="local")


def disk(folder: Path) -> Any:
    framework("diskcache", "litellm")
    return litellm.Cache(type="disk", disk_cache_dir=str(folder))


CACHED = [vendor for vendor in VENDORS if vendor.model.partition("/")[0] in ("openai", "anthropic", "gemini")]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("vendor", CACHED, ids=repr)
@pytest.mark.parametrize("cache", [memory, disk])
def test_an_answer_from_the_cache_is_no_record(
    cache: Any, vendor: Vendor, stream: bool, account: Account, tmp_path: Path
) -> None:
    litellm.cache = cache(tmp_path / "cache")
    for _ in range(3):
        answer = litellm.completion(**vendor.ask(account), caching=True, stream=stream)
        assert list(answer) if stream else answer.choices
    account.settles(vendor.stated)


@pytest.mark.parametrize("vendor", CACHED, ids=repr)
def test_an_asynchronous_answer_from_the_cache_is_no_record(vendor: Vendor, account: Account) -> None:
    async def ask() -> None:
        for _ in range(3):
            assert (await litellm.acompletion(**vendor.ask(account), caching=True)).choices
            await asyncio.sleep(0.1)  # it puts answers away in a task of its own

    litellm.cache = memory(Path())
    account.run(ask())
    account.settles(vendor.stated)


@pytest.mark.parametrize("vendor", CACHED, ids=repr)
def test_a_router_is_one_record(vendor: Vendor, account: Account) -> None:
    asked = {name: value for name, value in vendor.ask(account).items() if name != "messages"}
    router = litellm.Router(model_list=[{"model_name": "any", "litellm_params": asked}], num_retries=0)
    assert router.completion(model="any", messages=ASK["messages"]).choices
    assert account.run(router.acompletion(model="any", messages=ASK["messages"])).choices
    account.settles(vendor.stated, vendor.stated)
