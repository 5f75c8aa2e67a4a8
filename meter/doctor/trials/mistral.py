"""Mistral's SDK."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import MESSAGES, OPENAI, Trial, read, read_async

SDK = "mistralai"
CHAT: dict[str, Any] = {"model": "mistral-small-latest", "messages": MESSAGES}


def client(url: str) -> Any:
    """Return a client of the simulator."""
    try:
        from mistralai.client import Mistral
    except ImportError:  # before its second version
        from mistralai import Mistral

    return Mistral(api_key="sim", server_url=url)


def chat(url: str) -> Any:
    """A chat completion."""
    with client(url) as mistral:
        return mistral.chat.complete(**CHAT)


def chat_stream(url: str) -> Any:
    """A streamed chat completion."""
    with client(url) as mistral:
        return read(mistral.chat.stream(**CHAT))


async def chat_async(url: str) -> Any:
    """An asynchronous chat completion."""
    async with client(url) as mistral:
        return await mistral.chat.complete_async(**CHAT)


async def chat_async_stream(url: str) -> Any:
    """An asynchronous, streamed chat completion."""
    async with client(url) as mistral:
        return await read_async(await mistral.chat.stream_async(**CHAT))


def embeddings(url: str) -> Any:
    """An embedding."""
    with client(url) as mistral:
        return mistral.embeddings.create(model="mistral-embed", inputs=["ping"])


TRIALS = (
    Trial(SDK, "chat", chat, OPENAI),
    Trial(SDK, "chat, streamed", chat_stream, OPENAI),
    Trial(SDK, "chat, async", chat_async, OPENAI),
    Trial(SDK, "chat, async, streamed", chat_async_stream, OPENAI),
    Trial(SDK, "embeddings", embeddings, {"input": 11}),
)
