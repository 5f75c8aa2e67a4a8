"""The calls of the self-test: each runs in a process of its own, against the simulator, metered as a service is.

    python -m meter.doctor.trials openai http://127.0.0.1:8080

prints one JSON object: trial → what it raised, or null. What was recorded lies in METER_HOME, each call tagged with its trial.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "ping"}]}
MESSAGES: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "ping"}],
}

MISSING = "this version has none"

OPENAI = {"input": 8, "cache_read": 3, "output": 5, "reasoning": 2}
ANTHROPIC = {"input": 11, "cache_read": 3, "cache_write_5m": 4, "cache_write_1h": 1, "output": 7, "web_searches": 1}


@dataclass(frozen=True)
class Trial:
    """One way of calling an SDK, and the usage that the simulator states for it."""

    sdk: str
    name: str
    run: Callable[[str], None]
    usage: Mapping[str, int]


def _openai(url: str) -> Any:
    from openai import OpenAI

    return OpenAI(api_key="sk-sim", base_url=f"{url}/v1", max_retries=0)


def _anthropic(url: str) -> Any:
    from anthropic import Anthropic

    return Anthropic(api_key="sk-sim", base_url=url, max_retries=0)


def chat(url: str) -> None:
    """A chat completion."""
    with _openai(url) as client:
        client.chat.completions.create(**CHAT)


def chat_stream(url: str) -> None:
    """A streamed chat completion that does not ask for usage by itself."""
    with _openai(url) as client, client.chat.completions.create(**CHAT, stream=True) as stream:
        for _ in stream:
            pass


def chat_async(url: str) -> None:
    """A chat completion of the asynchronous client."""

    async def ask() -> None:
        from openai import AsyncOpenAI

        async with AsyncOpenAI(api_key="sk-sim", base_url=f"{url}/v1", max_retries=0) as client:
            await client.chat.completions.create(**CHAT)

    asyncio.run(ask())


def responses(url: str) -> None:
    """A response."""
    with _openai(url) as client:
        if not hasattr(client, "responses"):
            raise NotImplementedError(MISSING)
        client.responses.create(model="gpt-4o-mini", input="ping")


def embeddings(url: str) -> None:
    """An embedding."""
    with _openai(url) as client:
        client.embeddings.create(model="text-embedding-3-small", input="ping")


def messages(url: str) -> None:
    """A message."""
    with _anthropic(url) as client:
        client.messages.create(**MESSAGES)


def messages_stream(url: str) -> None:
    """A message through the streaming helper."""
    with _anthropic(url) as client, client.messages.stream(**MESSAGES) as stream:
        for _ in stream:
            pass


def messages_async(url: str) -> None:
    """A message of the asynchronous client."""

    async def ask() -> None:
        from anthropic import AsyncAnthropic

        async with AsyncAnthropic(api_key="sk-sim", base_url=url, max_retries=0) as client:
            await client.messages.create(**MESSAGES)

    asyncio.run(ask())


TRIALS = (
    Trial("openai", "chat", chat, OPENAI),
    Trial("openai", "chat, streamed", chat_stream, OPENAI),
    Trial("openai", "chat, async", chat_async, OPENAI),
    Trial("openai", "responses", responses, OPENAI),
    Trial("openai", "embeddings", embeddings, {"input": 11}),
    Trial("anthropic", "messages", messages, ANTHROPIC),
    Trial("anthropic", "messages, streamed", messages_stream, ANTHROPIC),
    Trial("anthropic", "messages, async", messages_async, ANTHROPIC),
)


def main(sdk: str, url: str) -> None:
    """Run one SDK's trials. What a trial raises is a result like any other, hence the futures."""
    import meter.auto  # noqa: F401
    from meter import tags

    def run(trial: Trial) -> None:
        with tags(trial=trial.name):
            trial.run(url)

    with ThreadPoolExecutor(1) as pool:
        futures = {trial.name: pool.submit(run, trial) for trial in TRIALS if trial.sdk == sdk}
    raised = {name: future.exception() for name, future in futures.items()}
    outcome = {name: error and f"{type(error).__name__}: {error}" for name, error in raised.items()}
    sys.stdout.write(json.dumps(outcome))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
