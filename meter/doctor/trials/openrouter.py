"""OpenRouter's SDK."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import MESSAGES, OPENAI, Trial, read, read_async

SDK = "openrouter"
CHAT: dict[str, Any] = {"model": "openai/gpt-4o-mini", "messages": MESSAGES}


def client(url: str) -> Any:
    """Return a client of the simulator."""
    from openrouter import OpenRouter

    return OpenRouter(api_key="sim", server_url=f"{url}/api/v1")


def chat(url: str) -> Any:
    """A chat completion."""
    with client(url) as openrouter:
        return openrouter.chat.send(**CHAT)


def chat_stream(url: str) -> Any:
    """A streamed chat completion."""
    with client(url) as openrouter:
        return read(openrouter.chat.send(**CHAT, stream=True))


async def chat_async(url: str) -> Any:
    """An asynchronous chat completion."""
    async with client(url) as openrouter:
        return await openrouter.chat.send_async(**CHAT)


async def chat_async_stream(url: str) -> Any:
    """An asynchronous, streamed chat completion."""
    async with client(url) as openrouter:
        return await read_async(await openrouter.chat.send_async(**CHAT, stream=True))


TRIALS = (
    Trial(SDK, "chat", chat, OPENAI),
    Trial(SDK, "chat, streamed", chat_stream, OPENAI),
    Trial(SDK, "chat, async", chat_async, OPENAI),
    Trial(SDK, "chat, async, streamed", chat_async_stream, OPENAI),
)
