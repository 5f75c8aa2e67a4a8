"""SDKs that are made as OpenAI's is, and called alike: Groq, Together, Cerebras, Fireworks, Perplexity, Writer, SambaNova."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from meter.doctor.trials.trial import MESSAGES, OPENAI, Trial, read, read_async

CHAT: dict[str, Any] = {"model": "llama3.1-8b", "messages": MESSAGES}

SDKS: tuple[tuple[str, str], ...] = (
    ("groq", "Groq"),
    ("together", "Together"),
    ("cerebras.cloud.sdk", "Cerebras"),
    ("fireworks", "Fireworks"),
    ("perplexity", "Perplexity"),
    ("writerai", "Writer"),
    ("sambanova", "SambaNova"),
)
"""Package, and its client; the asynchronous one has `Async` before its name."""

USAGE = {"writerai": {"input": 11, "output": 5, "reasoning": 2}}
"""Where it differs: Writer has another name for cached input, and the simulator states none under it."""


def create(client: Any) -> Callable[..., Any]:
    """Return the method that makes a chat completion: Writer's is `chat.chat`."""
    method: Callable[..., Any] = client.chat.chat if hasattr(client.chat, "chat") else client.chat.completions.create
    return method


def trials(package: str, kind: str) -> Iterator[Trial]:
    """Return the trials of one SDK."""

    def client(url: str, name: str = kind) -> Any:
        return getattr(import_module(package), name)(
            api_key="sim", base_url=url, max_retries=0, **WARMED.get(package, {})
        )

    def chat(url: str) -> Any:
        with client(url) as sdk:
            return create(sdk)(**CHAT)

    def chat_stream(url: str) -> Any:
        with client(url) as sdk:
            return read(create(sdk)(**CHAT, stream=True))

    async def chat_async(url: str) -> Any:
        async with client(url, f"Async{kind}") as sdk:
            return await create(sdk)(**CHAT)

    async def chat_async_stream(url: str) -> Any:
        async with client(url, f"Async{kind}") as sdk:
            return await read_async(await create(sdk)(**CHAT, stream=True))

    usage = USAGE.get(package, OPENAI)
    yield Trial(package, "chat", chat, usage)
    yield Trial(package, "chat, streamed", chat_stream, usage)
    yield Trial(package, "chat, async", chat_async, usage)
    yield Trial(package, "chat, async, streamed", chat_async_stream, usage)


WARMED: dict[str, dict[str, Any]] = {"cerebras.cloud.sdk": {"warm_tcp_connection": False}}
"""Cerebras' client would call its server when it is made."""

TRIALS = tuple(trial for package, kind in SDKS for trial in trials(package, kind))
