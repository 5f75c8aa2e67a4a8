"""AI21's SDK."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import OPENAI, Trial, read, read_async

SDK = "ai21"


def client(url: str) -> Any:
    """Return a client of the simulator."""
    from ai21 import AI21Client

    return AI21Client(api_key="sim", api_host=f"{url}/studio/v1")


def async_client(url: str) -> Any:
    """Return an asynchronous client of the simulator."""
    from ai21 import AsyncAI21Client

    return AsyncAI21Client(api_key="sim", api_host=f"{url}/studio/v1")


def asked() -> dict[str, Any]:
    """Return the arguments of an ordinary call."""
    from ai21.models.chat import UserMessage

    return {"model": "jamba-mini", "messages": [UserMessage(content="ping")]}


def chat(url: str) -> Any:
    """A chat."""
    return client(url).chat.completions.create(**asked())


def chat_stream(url: str) -> Any:
    """A streamed chat."""
    return read(client(url).chat.completions.create(stream=True, **asked()))


async def chat_async(url: str) -> Any:
    """An asynchronous chat."""
    return await async_client(url).chat.completions.create(**asked())


async def chat_async_stream(url: str) -> Any:
    """An asynchronous, streamed chat."""
    return await read_async(await async_client(url).chat.completions.create(stream=True, **asked()))


TRIALS = (
    Trial(SDK, "chat", chat, OPENAI),
    Trial(SDK, "chat, streamed", chat_stream, OPENAI),
    Trial(SDK, "chat, async", chat_async, OPENAI),
    Trial(SDK, "chat, async, streamed", chat_async_stream, OPENAI),
)
