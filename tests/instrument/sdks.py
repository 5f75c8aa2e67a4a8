"""The two SDKs as the tests use them, and what is read back: one place for what differs between their versions."""

from __future__ import annotations

import gc
import importlib
import json
import re
import sys
from collections.abc import Awaitable
from typing import Any, NamedTuple

import anthropic
import openai
import pytest

from meter.home import Home
from tests.conftest import lines_of

Line = dict[str, Any]

MESSAGES: Any = [{"role": "user", "content": "hello there"}]
CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": MESSAGES}
CLAUDE: dict[str, Any] = {"model": "claude-test", "max_tokens": 64, "messages": MESSAGES}
KEYS: dict[str, Any] = {"api_key": "sk-test", "max_retries": 0}

OPENAI_CLASSES = {"input": 8, "cache_read": 3, "output": 5, "reasoning": 2}
ANTHROPIC_INPUT = {"input": 11, "cache_read": 3, "cache_write_5m": 4, "cache_write_1h": 1}
ANTHROPIC_CLASSES = {**ANTHROPIC_INPUT, "output": 7, "web_searches": 1}
"""What the simulator's fixture means, apart from classes of which there are none."""


class Sdk(NamedTuple):
    """One SDK: its clients, the resource that is called, and the arguments of an ordinary call."""

    name: str
    base: str
    client: Any
    async_client: Any
    resource: tuple[str, ...]
    arguments: dict[str, Any]
    classes: dict[str, int]

    def sync(self, url: str, **more: Any) -> Any:
        """Return a client for the simulator."""
        return self.client(base_url=url + self.base, **{**KEYS, **more})

    def asynchronous(self, url: str, **more: Any) -> Any:
        """Return an asynchronous client for the simulator."""
        return self.async_client(base_url=url + self.base, **{**KEYS, **more})

    def of(self, client: Any) -> Any:
        """Return the client's resource."""
        for name in self.resource:
            client = getattr(client, name)
        return client


OPENAI = Sdk("openai", "/v1", openai.OpenAI, openai.AsyncOpenAI, ("chat", "completions"), CHAT, OPENAI_CLASSES)
ANTHROPIC = Sdk(
    "anthropic", "", anthropic.Anthropic, anthropic.AsyncAnthropic, ("messages",), CLAUDE, ANTHROPIC_CLASSES
)
SDKS = (OPENAI, ANTHROPIC)


def calls(home: Home) -> list[Line]:
    """Return the calls recorded so far, in their order."""
    gc.collect()
    lines = [line for line in map(json.loads, lines_of(home)) if line["kind"] == "call"] if home.spool.exists() else []
    return sorted(lines, key=lambda line: (line["ts"], line["id"]))


def only(home: Home) -> Line:
    """Return the one call that was recorded."""
    found = calls(home)
    assert len(found) == 1, [(line["api"], line["status"]) for line in found]
    return found[0]


def classes(line: Line) -> dict[str, float]:
    """Return the classes of which there were some."""
    return {name: count for name, count in (line.get("usage") or {}).items() if count}


def show(thing: Any) -> str:
    """Return all that a caller can see of an SDK's object, without what differs from one answer to the next."""
    kind = type(thing)
    stated = sorted(getattr(thing, "model_fields_set", ()))
    body = thing.to_json() if hasattr(thing, "to_json") else repr(thing)
    return masked(f"{kind.__module__}.{kind.__qualname__} {stated} {body}")


def masked(text: str) -> str:
    """Hide ids and times."""
    text = re.sub(r"\b([a-z]+[-_])[0-9a-f]{8,}\b", r"\1#", text)
    return re.sub(r'"(created|created_at|completed_at)": ?[0-9.]+', r'"\1": #', text)


def method(client: Any, path: str) -> Any:
    """Return a method by its path; a test of what this version of the SDK does not have yet is skipped."""
    found = client
    for name in path.split("."):
        found = getattr(found, name, None)
        if found is None:
            pytest.skip(f"this version has no {path}")
    return found


def helper(client: Any, name: str) -> Any:
    """Return one of openai's helpers over chat completions, which began in beta."""
    settled = getattr(client.chat.completions, name, None)
    return settled if settled is not None else method(client, f"beta.chat.completions.{name}")


async def awaited(value: Any) -> Any:
    """Await what is to be awaited: `parse` is a coroutine in one raw mode and none in the other."""
    return await value if isinstance(value, Awaitable) else value


def elsewhere(sdk: Sdk, answer: Any, headers: dict[str, str] | None = None, **options: Any) -> Any:
    """Return a client of any address, whose requests are answered in this process."""
    http = importlib.import_module("httpx2" if "httpx2" in sys.modules else "httpx")
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    head = {"content-type": "application/json", **(headers or {})}
    transport = http.MockTransport(lambda request: http.Response(200, headers=head, content=iter([content])))
    kind = options.pop("kind", sdk.client)
    return kind(**{"api_key": "sk-test", "max_retries": 0, "http_client": http.Client(transport=transport), **options})
