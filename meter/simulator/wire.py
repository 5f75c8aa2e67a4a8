"""What the dialects share: the request as it came, the answer before it is sent, and the small parts of both."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from meter.simulator.counts import Counts

Json = dict[str, Any]

ABSENT = object()
"""Stands for a field that the answer does not have."""

WORDS = ("Every ", "call ", "counted. ")

SNAPSHOTS = {
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "o3": "o3-2025-04-16",
    "o4-mini": "o4-mini-2025-04-16",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
}
"""Aliases that answer with a dated model, as the vendors do; any other model is echoed."""


class Arrival(NamedTuple):
    """One request as it arrived; the names of headers are lower case."""

    method: str
    path: str
    body: Json
    headers: dict[str, str]


@dataclass(frozen=True)
class Ask:
    """One request, and what was decided about its answer."""

    path: str
    headers: Mapping[str, str]
    body: Json
    counts: Counts
    usage: Any = None  # served as it is instead of the counts; ABSENT: the answer states none
    finish: str = "stop"
    tier: str | None = None
    created: int = field(default_factory=lambda: int(time.time()))
    token: str = field(default_factory=lambda: uuid4().hex)

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.body.get("model", ""))

    @property
    def served_model(self) -> str:
        """The model that answers."""
        return SNAPSHOTS.get(self.model, self.model)

    @property
    def streams(self) -> bool:
        """Whether the caller asked for events."""
        return bool(self.body.get("stream"))

    @property
    def pieces(self) -> tuple[str, ...]:
        """The text of the answer, in the pieces a stream sends: JSON where a schema was asked for."""
        if (schema := schema_of(self.body)) is not None:
            text = json.dumps(example(schema, schema))
            third = -(-len(text) // 3)
            return tuple(text[at : at + third] for at in range(0, len(text), third))
        return WORDS * max(1, min(8, self.counts.output // 24))

    @property
    def tool(self) -> Json | None:
        """The function the answer calls: the first one offered, unless a result came back already."""
        turns = self.body.get("messages") or self.body.get("input")
        last = turns[-1] if isinstance(turns, list) and turns else {}
        if self.body.get("tool_choice") == "none" or is_result(last):
            return None
        tools = [tool.get("function", tool) for tool in self.body.get("tools") or ()]
        return next(
            (tool for tool in tools if "name" in tool and not tool.get("type", "").startswith("web_search")), None
        )

    def stated(self, usage: Json) -> Any:
        """Return the usage to state: `usage`, unless the caller of the test fixed another or none."""
        return usage if self.usage is None else self.usage


@dataclass
class Reply:
    """One answer: a body, or the frames of a stream."""

    body: Any = None
    frames: list[bytes] | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def streams(self) -> bool:
        """Whether this is a stream of events."""
        return self.frames is not None

    def parts(self) -> list[bytes]:
        """Return the bytes to send, in the pieces they are sent in: events, or the halves of a body."""
        if self.frames is not None:
            return self.frames
        data = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        half = len(data) // 2
        return [data[:half], data[half:]]


def streamed(frames: Iterator[bytes]) -> Reply:
    """Return a reply that sends server-sent events."""
    return Reply(frames=list(frames), content_type="text/event-stream; charset=utf-8")


def frame(data: Json, event: str | None = None) -> bytes:
    """Return one server-sent event."""
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def present(fields: Json) -> Json:
    """Return the fields without those marked ABSENT."""
    return {key: value for key, value in fields.items() if value is not ABSENT}


def is_result(turn: Json) -> bool:
    """Say whether a turn brings what a function returned: by its role, its type, or a part of what the user says."""
    content = turn.get("content")
    parts = content if isinstance(content, list) else ()
    return (
        "tool" in str(turn.get("role"))
        or "output" in str(turn.get("type"))
        or any(isinstance(part, dict) and part.get("type") == "tool_result" for part in parts)
    )


def schema_of(body: Json) -> Json | None:
    """Return the JSON schema a request wants its answer to follow, in any of the dialects."""
    places = (
        dig(body, "response_format", "json_schema", "schema"),
        dig(body, "text", "format", "schema"),
        dig(body, "output_config", "format", "schema"),
        dig(body, "output_format", "schema"),
    )
    return next((place for place in places if isinstance(place, dict)), None)


def dig(value: Any, *path: str) -> Any:
    """Follow keys into nested objects; None where one is missing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def example(schema: Json, root: Json) -> Any:
    """Return the smallest value that fits a JSON schema."""
    if "$ref" in schema:
        return example(dig(root, *schema["$ref"].removeprefix("#/").split("/")), root)
    if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return example(choices[0], root)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if schema.get("type") == "object":
        return {name: example(part, root) for name, part in schema.get("properties", {}).items()}
    return {"string": "metered", "integer": 1, "number": 1.5, "boolean": True, "array": []}.get(str(schema.get("type")))
