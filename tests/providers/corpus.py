"""The corpus of recorded provider answers: where it lies, how an exchange is sent again through a real SDK, and what it states.

Nothing of the corpus is copied: it is read where it lies, and its own loopback server answers.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

Record = dict[str, Any]

DEFAULT = Path(__file__).parents[2].parent / "shared" / "corpus" / "dev.jsonl.gz"


def path() -> Path:
    """Return the corpus file; skip the test where there is none, except in CI."""
    chosen = os.environ.get("METER_TEST_CORPUS")
    found = Path(chosen) if chosen else DEFAULT
    if not found.exists():
        message = f"no corpus at {found}: set METER_TEST_CORPUS"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    return found


@cache
def replay() -> Any:
    """Return the corpus' own module, loaded from beside it."""
    beside = path().parent / "replay.py"
    spec = importlib.util.spec_from_file_location(
        "corpus_replay", beside if beside.exists() else DEFAULT.parent / "replay.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.Handler.disable_nagle_algorithm = True  # it writes head and body apart, and would wait 40 ms in between
    return module


def records(*providers: str) -> list[Record]:
    """Return the exchanges of some providers."""
    return list(replay().load(str(path()), lambda record: record["provider"] in providers))


class Way(NamedTuple):
    """How an exchange goes through an SDK: the ending of its path, and the resource's method."""

    ending: str
    resource: str
    sdk: str = "openai"


WAYS = {
    "openai.chat": Way("/chat/completions", "chat.completions"),
    "openai.completions": Way("/completions", "completions"),
    "openai.responses": Way("/responses", "responses"),
    "openai.embeddings": Way("/embeddings", "embeddings"),
    "anthropic.messages": Way("/v1/messages", "messages", "anthropic"),
}
"""Wire → the public method that speaks it."""


NEEDED: dict[str, Any] = {"messages": [], "input": [], "prompt": "", "max_tokens": 1024}
"""Arguments that the methods ask for, and a recording may lack."""


def is_call(record: Record) -> bool:
    """Say whether an exchange goes through one of the public methods."""
    way = WAYS.get(record["wire"])
    return way is not None and record["path"].endswith(way.ending)


def way_of(record: Record) -> Way:
    """Return the way of an exchange; Anthropic's beta has a resource of its own."""
    way = WAYS[record["wire"]]
    return way._replace(resource="beta.messages") if record["api"] == "anthropic.beta_messages" else way


def method_of(client: Any, record: Record, variant: str = "") -> Any:
    """Return the client's public method for an exchange, or a variant of it such as `with_streaming_response`."""
    for name in way_of(record).resource.split("."):
        client = getattr(client, name)
    return getattr(client, variant).create if variant else client.create


def arguments(method: Any, record: Record) -> dict[str, Any]:
    """Return the recorded request as arguments of the method; what it does not know goes into `extra_body`."""
    known = inspect.signature(method).parameters
    body = dict(record["request_body"] or {})  # a few recordings have the answer only
    for name, value in NEEDED.items():
        if name in known and known[name].default is inspect.Parameter.empty:
            body.setdefault(name, value)
    body["model"] = body.get("model") or record["model_requested"] or "unknown"
    if record["streaming"]:
        body["stream"] = True
    plain = {name: value for name, value in body.items() if name in known}
    extra = {name: value for name, value in body.items() if name not in known}
    # Without a time-out of its own, Anthropic's SDK refuses long answers that are not streamed.
    return {**plain, **({"extra_body": extra} if extra else {}), "timeout": 60}


ID = {"gemini.generate_content": "responseId", "cohere.v1_chat": "response_id"}
"""Wire → where it has an answer's id, if not in `id`."""


def ids(record: Record) -> str | None:
    """Return the response id that the answer states."""
    body, name = record["response_body"], ID.get(record["wire"], "id")
    if record["response_kind"] == "json" and not body.lstrip().startswith("["):
        try:
            return text(json.loads(body).get(name))
        except (ValueError, AttributeError):
            return None
    for event in events(body):
        for holder in (event.get("response"), event.get("message"), event.get("interaction"), event):
            if isinstance(holder, dict) and (found := text(holder.get(name))):
                return found
    return None


def events(body: str) -> Iterator[dict[str, Any]]:
    """Return the events of a recorded stream, whose lines are marked, bare, or parts of one list."""
    if body.lstrip().startswith("["):
        yield from json.loads(body)
        return
    for line in body.splitlines():
        if line.startswith(("data:", "{")):
            try:
                event = json.loads(line.removeprefix("data:"))
            except ValueError:
                continue
            if isinstance(event, dict):
                yield event


def text(value: Any) -> str | None:
    """Return text, or None for anything else."""
    return value if isinstance(value, str) and value else None
