"""One process of the demo's fleet: an ordinary service with the one line, calling through the official SDKs.

Run as `python -m meter.demo.worker ORDER`, where ORDER is the JSON that `meter.demo.fleet` writes.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import meter.auto  # noqa: F401 – the one line; before or after the SDKs, it is the same
from meter import tags

if TYPE_CHECKING:  # a service imports one SDK, not both: half of such a process's time is that import
    import anthropic
    import openai

AT_ONCE = 4
"""How many asynchronous calls run side by side."""

ABANDONED_AFTER = 4
"""How many events of a stream are read before it is left."""


@dataclass
class Clients:
    """The SDKs' clients, made when first used."""

    url: str

    @cached_property
    def openai_sync(self) -> openai.OpenAI:
        """OpenAI's client."""
        from openai import OpenAI

        return OpenAI(base_url=self.url + "/v1", **_OPENAI)

    @cached_property
    def openai_async(self) -> openai.AsyncOpenAI:
        """OpenAI's asynchronous client."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(base_url=self.url + "/v1", **_OPENAI)

    @cached_property
    def anthropic_sync(self) -> anthropic.Anthropic:
        """Anthropic's client."""
        from anthropic import Anthropic

        return Anthropic(base_url=self.url, api_key="sk-ant-demo")

    @cached_property
    def anthropic_async(self) -> anthropic.AsyncAnthropic:
        """Anthropic's asynchronous client."""
        from anthropic import AsyncAnthropic

        return AsyncAnthropic(base_url=self.url, api_key="sk-ant-demo")


_OPENAI: Any = {"api_key": "sk-demo", "organization": "org-demo", "project": "proj_demo"}


def chat(clients: Clients, ask: dict[str, Any]) -> None:
    """Ask for one chat completion."""
    clients.openai_sync.chat.completions.create(**ask)


def chat_stream(clients: Clients, ask: dict[str, Any]) -> None:
    """Read a streamed chat completion to its end."""
    for _ in clients.openai_sync.chat.completions.create(**ask, stream=True):
        pass


def chat_abandoned(clients: Clients, ask: dict[str, Any]) -> None:
    """Leave a streamed chat completion after a few chunks."""
    with clients.openai_sync.chat.completions.create(**ask, stream=True) as stream:
        for _ in zip(range(ABANDONED_AFTER), stream, strict=False):
            pass


async def chat_async(clients: Clients, ask: dict[str, Any]) -> None:
    """Ask for one chat completion, asynchronously."""
    await clients.openai_async.chat.completions.create(**ask)


async def chat_stream_async(clients: Clients, ask: dict[str, Any]) -> None:
    """Read a streamed chat completion to its end, asynchronously."""
    async for _ in await clients.openai_async.chat.completions.create(**ask, stream=True):
        pass


def embeddings(clients: Clients, ask: dict[str, Any]) -> None:
    """Ask for an embedding."""
    clients.openai_sync.embeddings.create(model=ask["model"], input=_text(ask))


def responses(clients: Clients, ask: dict[str, Any]) -> None:
    """Ask for one response."""
    clients.openai_sync.responses.create(model=ask["model"], input=_text(ask))


def responses_stream(clients: Clients, ask: dict[str, Any]) -> None:
    """Read a streamed response to its end."""
    for _ in clients.openai_sync.responses.create(model=ask["model"], input=_text(ask), stream=True):
        pass


def messages(clients: Clients, ask: dict[str, Any]) -> None:
    """Ask for one message."""
    clients.anthropic_sync.messages.create(**ask, max_tokens=4096)


def messages_stream(clients: Clients, ask: dict[str, Any]) -> None:
    """Read a streamed message to its end, through the SDK's helper."""
    with clients.anthropic_sync.messages.stream(**ask, max_tokens=4096) as stream:
        stream.get_final_message()


def messages_abandoned(clients: Clients, ask: dict[str, Any]) -> None:
    """Leave a streamed message after a few events."""
    with clients.anthropic_sync.messages.create(**ask, max_tokens=4096, stream=True) as stream:
        for _ in zip(range(ABANDONED_AFTER), stream, strict=False):
            pass


async def messages_async(clients: Clients, ask: dict[str, Any]) -> None:
    """Ask for one message, asynchronously."""
    await clients.anthropic_async.messages.create(**ask, max_tokens=4096)


class Kind(NamedTuple):
    """One kind of call, and the SDK it goes through."""

    sdk: str
    call: Callable[[Clients, dict[str, Any]], Awaitable[None] | None]


KINDS: dict[str, Kind] = {
    "chat": Kind("openai", chat),
    "chat_abandoned": Kind("openai", chat_abandoned),
    "chat_async": Kind("openai", chat_async),
    "chat_stream": Kind("openai", chat_stream),
    "chat_stream_async": Kind("openai", chat_stream_async),
    "embeddings": Kind("openai", embeddings),
    "messages": Kind("anthropic", messages),
    "messages_abandoned": Kind("anthropic", messages_abandoned),
    "messages_async": Kind("anthropic", messages_async),
    "messages_stream": Kind("anthropic", messages_stream),
    "responses": Kind("openai", responses),
    "responses_stream": Kind("openai", responses_stream),
}


async def run(order: dict[str, Any]) -> None:
    """Do the steps of an order, one after the other; asynchronous calls of a step side by side."""
    clients = Clients(order["url"])
    for step in order["steps"]:
        with tags(team=order["team"], feature=step["feature"] or None):
            await _step(clients, step)


async def _step(clients: Clients, step: dict[str, Any]) -> None:
    kind = KINDS[step["kind"]]
    expected: type[Exception] = import_module(kind.sdk).APIError
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            # The errors are asked for: a service would handle them, and the ledger shall show them.
            with suppress(expected):
                pending = kind.call(clients, _ask(step, number))
                if pending is not None:
                    await pending

    await asyncio.gather(*map(one, range(step["calls"])))


def _ask(step: dict[str, Any], number: int) -> dict[str, Any]:
    turns = [{"role": "user", "content": f"demo {step['feature']} {number}"}]
    ask: dict[str, Any] = {"model": step["model"], "messages": turns}
    return ask | ({"extra_headers": {"x-sim-fault": step["fault"]}} if step["fault"] else {})


def _text(ask: dict[str, Any]) -> str:
    return str(ask["messages"][0]["content"])


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))
