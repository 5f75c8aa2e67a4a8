"""Ollama's SDK."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import MESSAGES, Trial, read, read_async

SDK = "ollama"
CHAT: dict[str, Any] = {"model": "llama3.2", "messages": MESSAGES}
USAGE = {"input": 8, "output": 5}


def client(url: str) -> Any:
    """Return a client of the simulator."""
    from ollama import Client

    return Client(host=url)


def async_client(url: str) -> Any:
    """Return an asynchronous client of the simulator."""
    from ollama import AsyncClient

    return AsyncClient(host=url)


def chat(url: str) -> Any:
    """A chat."""
    return client(url).chat(**CHAT)


def chat_stream(url: str) -> Any:
    """A streamed chat."""
    return read(client(url).chat(**CHAT, stream=True))


async def chat_async(url: str) -> Any:
    """An asynchronous chat."""
    return await async_client(url).chat(**CHAT)


async def chat_async_stream(url: str) -> Any:
    """An asynchronous, streamed chat."""
    return await read_async(await async_client(url).chat(**CHAT, stream=True))


def generate(url: str) -> Any:
    """A completion."""
    return client(url).generate(model="llama3.2", prompt="ping")


def embed(url: str) -> Any:
    """An embedding."""
    return client(url).embed(model="nomic-embed-text", input="ping")


TRIALS = (
    Trial(SDK, "chat", chat, USAGE),
    Trial(SDK, "chat, streamed", chat_stream, USAGE),
    Trial(SDK, "chat, async", chat_async, USAGE),
    Trial(SDK, "chat, async, streamed", chat_async_stream, USAGE),
    Trial(SDK, "generate", generate, USAGE),
    Trial(SDK, "embed", embed, {"input": 11}),
)
