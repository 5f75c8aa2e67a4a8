"""Anthropic's SDK."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import MESSAGES, Trial, read, read_async

CREATE: dict[str, Any] = {"model": "claude-haiku-4-5", "max_tokens": 64, "messages": MESSAGES}

USAGE = {"input": 11, "cache_read": 3, "cache_write_5m": 4, "cache_write_1h": 1, "output": 7, "web_searches": 1}


def client(url: str) -> Any:
    """Return a client of the simulator."""
    from anthropic import Anthropic

    return Anthropic(api_key="sk-sim", base_url=url, max_retries=0)


def async_client(url: str) -> Any:
    """Return an asynchronous client of the simulator."""
    from anthropic import AsyncAnthropic

    return AsyncAnthropic(api_key="sk-sim", base_url=url, max_retries=0)


def messages(url: str) -> Any:
    """A message."""
    with client(url) as anthropic:
        return anthropic.messages.create(**CREATE)


def messages_stream(url: str) -> Any:
    """A message through the streaming helper."""
    with client(url) as anthropic, anthropic.messages.stream(**CREATE) as stream:
        return read(stream)


async def messages_async(url: str) -> Any:
    """A message of the asynchronous client."""
    async with async_client(url) as anthropic:
        return await anthropic.messages.create(**CREATE)


async def messages_async_stream(url: str) -> Any:
    """A streamed message of the asynchronous client."""
    async with async_client(url) as anthropic:
        return await read_async(await anthropic.messages.create(**CREATE, stream=True))


TRIALS = (
    Trial("anthropic", "messages", messages, USAGE),
    Trial("anthropic", "messages, streamed", messages_stream, USAGE),
    Trial("anthropic", "messages, async", messages_async, USAGE),
    Trial("anthropic", "messages, async, streamed", messages_async_stream, USAGE),
)
