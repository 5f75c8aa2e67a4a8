"""One way of calling an SDK, and what most of them share."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MISSING = "this version has none"

MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "ping"}]

OPENAI = {"input": 8, "cache_read": 3, "output": 5, "reasoning": 2}
"""What the simulator states on OpenAI's wire."""


@dataclass(frozen=True)
class Trial:
    """One way of calling an SDK, and the usage that the simulator states for it."""

    sdk: str
    """The package, as it is imported."""
    name: str
    call: Callable[[str], Any]
    """Calls a server at an address; returns the answer, or the list of a stream's events."""
    usage: Mapping[str, int]
    older: Mapping[str, int] | None = None
    """What is left of it where an older version of the SDK drops a field that it does not know."""

    def is_right(self, usage: Mapping[str, float] | None) -> bool:
        """Say whether this is the usage that was stated."""
        return usage is not None and (usage == self.usage or usage == self.older)

    def run(self, url: str) -> Any:
        """Call, and wait for what is asynchronous."""
        found = self.call(url)
        return asyncio.run(found) if inspect.iscoroutine(found) else found


def read(stream: Iterable[Any]) -> list[Any]:
    """Read a stream to its end."""
    return list(stream)


async def read_async(stream: AsyncIterator[Any]) -> list[Any]:
    """Read an asynchronous stream to its end."""
    return [event async for event in stream]


def needed(client: Any, name: str) -> Any:
    """Return a part of a client that early versions do not have."""
    if not hasattr(client, name):
        raise NotImplementedError(MISSING)
    return getattr(client, name)
