"""The calls that are timed, as a table: each through the SDK's public method, with the reply consumed as an application would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from tests.bench.timing import Block
from tests.bench.transport import CHUNKS, Canned, http

MESSAGES = [
    {"role": "system", "content": "You are terse."},
    {"role": "user", "content": "What did the search team spend?" * 8},
]
CHAT = {"model": "gpt-4o-mini", "messages": MESSAGES, "temperature": 0.2}
CLAUDE = {"model": "claude-sonnet-4-5", "max_tokens": 500, "messages": MESSAGES[1:], "system": "You are terse."}
ASK = {"stream": True, "stream_options": {"include_usage": True}}


def canned(case: Case) -> Any:
    """Return the SDK's client on the canned transport."""
    if case.sdk == "openai":
        import openai as sdk
    else:
        import anthropic as sdk  # type: ignore[no-redef]
    name = {"openai": "OpenAI", "anthropic": "Anthropic"}[case.sdk]
    if case.is_async:
        return getattr(sdk, f"Async{name}")(api_key="sk-bench", http_client=http.AsyncClient(transport=Canned()))
    return getattr(sdk, name)(api_key="sk-bench", http_client=http.Client(transport=Canned()))


class Case(NamedTuple):
    """One kind of call. `call` takes a client and returns the reply (a coroutine, for an async client)."""

    name: str
    sdk: str
    call: Callable[[Any], Any]
    is_async: bool = False
    chunks: int = 0
    client: Callable[[Case], Any] = canned


def drain(stream: Any) -> None:
    for _ in stream:
        pass


async def adrain(stream: Awaitable[Any]) -> None:
    async for _ in await stream:
        pass


CASES = (
    Case("chat create", "openai", lambda c: c.chat.completions.create(**CHAT)),
    Case("chat create, async", "openai", lambda c: c.chat.completions.create(**CHAT), is_async=True),
    Case("responses create", "openai", lambda c: c.responses.create(model="gpt-4o-mini", input=MESSAGES[1]["content"])),
    Case(
        "embeddings create", "openai", lambda c: c.embeddings.create(model="text-embedding-3-small", input="spend" * 20)
    ),
    Case("messages create", "anthropic", lambda c: c.messages.create(**CLAUDE)),
    Case("messages create, async", "anthropic", lambda c: c.messages.create(**CLAUDE), is_async=True),
    Case("unbilled GET", "openai", lambda c: c.models.retrieve("gpt-4o-mini")),
    Case("chat stream", "openai", lambda c: drain(c.chat.completions.create(**CHAT, **ASK)), chunks=CHUNKS + 1),
    Case("chat stream, async", "openai", lambda c: adrain(c.chat.completions.create(**CHAT, **ASK)), True, CHUNKS + 1),
    Case(
        "chat stream, usage not asked for",
        "openai",
        lambda c: drain(c.chat.completions.create(**CHAT, stream=True)),
        False,
        CHUNKS,
    ),
    Case("messages stream", "anthropic", lambda c: drain(c.messages.create(**CLAUDE, stream=True)), chunks=CHUNKS),
)


def block(case: Case, loop: asyncio.AbstractEventLoop) -> Block:
    """Return what runs a number of the case's calls and times each."""
    call, target, clock = case.call, case.client(case), time.perf_counter_ns

    def sync_block(count: int) -> list[int]:
        times = []
        for _ in range(count):
            begin = clock()
            call(target)
            times.append(clock() - begin)
        return times

    async def async_block(count: int) -> list[int]:
        times = []
        for _ in range(count):
            begin = clock()
            await call(target)
            times.append(clock() - begin)
        return times

    return (lambda count: loop.run_until_complete(async_block(count))) if case.is_async else sync_block
