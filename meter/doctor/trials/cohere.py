"""Cohere's SDK."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import MESSAGES, Trial, read, read_async

SDK = "cohere"
CHAT: dict[str, Any] = {"model": "command-a-03-2025", "messages": MESSAGES}
USAGE = {"input": 8, "output": 5}


def client(url: str) -> Any:
    """Return a client of the simulator."""
    from cohere import ClientV2

    return ClientV2(api_key="sim", base_url=url)


def async_client(url: str) -> Any:
    """Return an asynchronous client of the simulator."""
    from cohere import AsyncClientV2

    return AsyncClientV2(api_key="sim", base_url=url)


def chat(url: str) -> Any:
    """A chat."""
    return client(url).chat(**CHAT)


def chat_stream(url: str) -> Any:
    """A streamed chat."""
    return read(client(url).chat_stream(**CHAT))


async def chat_async(url: str) -> Any:
    """An asynchronous chat."""
    return await async_client(url).chat(**CHAT)


async def chat_async_stream(url: str) -> Any:
    """An asynchronous, streamed chat."""
    return await read_async(async_client(url).chat_stream(**CHAT))


def embed(url: str) -> Any:
    """An embedding."""
    return client(url).embed(model="embed-v4.0", texts=["ping"], input_type="search_query", embedding_types=["float"])


def rerank(url: str) -> Any:
    """A rerank, billed by the search."""
    return client(url).rerank(model="rerank-v3.5", query="ping", documents=["ping", "pong"])


TRIALS = (
    Trial(SDK, "chat", chat, USAGE),
    Trial(SDK, "chat, streamed", chat_stream, USAGE),
    Trial(SDK, "chat, async", chat_async, USAGE),
    Trial(SDK, "chat, async, streamed", chat_async_stream, USAGE),
    Trial(SDK, "embed", embed, {"input": 11}),
    Trial(SDK, "rerank", rerank, {"rerank_searches": 1}),
)
