"""xAI's own wire, which its SDK speaks: protobuf messages over gRPC, read here as the JSON they stand for.

A field of a message that is there and has no value of its own is 0, as protobuf means it.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events
from meter.providers.xai import COST

TOOLS = {
    "SERVER_SIDE_TOOL_WEB_SEARCH": "web_searches",
    "SERVER_SIDE_TOOL_X_SEARCH": "social_searches",
    "SERVER_SIDE_TOOL_CODE_EXECUTION": "code_executions",
    "SERVER_SIDE_TOOL_COLLECTIONS_SEARCH": "file_searches",
}
"""Tools that the provider ran, each run with a name of its own, and what they are counted as."""


class Output(msgspec.Struct):
    """What a chunk adds to one of the answers."""

    text: str = ""
    finish_reason: int = 0


class Chunk(Answer):
    """One message of a stream."""

    outputs: list[Output] | None = None


class Drawn(Answer):
    """An answer that counts what was made."""

    images: int | None = None


def prepare(usage: dict[str, Any]) -> dict[str, Any]:
    """Count what the provider ran, and the whole output: the grand total tells whether reasoning lies beside it."""
    used = usage.get("server_side_tools_used")
    ran = dict(Counter(TOOLS[name] for name in used if name in TOOLS)) if used else {}
    prompt, output, reasoning, total = (usage.get(name) or 0 for name in TOTALS)
    beside = reasoning if total == prompt + output + reasoning else 0
    return {**usage, "ran": ran, "output_tokens": output + beside if "completion_tokens" in usage else None}


TOTALS = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "total_tokens")

COUNTS = (
    Count(
        "prompt_tokens",
        "input",
        {"cache_read": ("cached_prompt_text_tokens",), "input_image": ("prompt_image_tokens",)},
    ),
    Count("output_tokens", "output", {"reasoning": ("reasoning_tokens",)}),
    *(Count(f"ran.{name}", name) for name in dict.fromkeys(TOOLS.values())),
)

CHAT = Dialect(
    api="xai.chat",
    operation="chat",
    paths=(),
    counts=COUNTS,
    prepare=prepare,
    cost=COST,
    events=Events(event=Chunk, answers={"": ""}, items="outputs", texts={"": ("text",)}),
)

COMPACT = Dialect(api="xai.compact_context", operation="chat", paths=(), counts=COUNTS, prepare=prepare, cost=COST)

IMAGES = Dialect(
    api="xai.images",
    operation="image_generation",
    paths=(),
    counts=COUNTS,
    prepare=prepare,
    cost=COST,
    answer=Drawn,
    fees={"images": "images"},
    asked=lambda request: {"images": request.get("n") or 1},
)

VIDEO = Dialect(api="xai.videos", operation="video_generation", paths=(), counts=COUNTS, prepare=prepare, cost=COST)


class Sent(dict[str, Any]):
    """A request, of which only the model and the number of answers are read at once, and the rest if ever."""

    message: Any = None

    def items(self) -> Any:
        """Return all that was sent."""
        from google.protobuf.json_format import MessageToDict  # there, since the SDK needs it

        return MessageToDict(self.message, preserving_proto_field_name=True, use_integers_for_enums=True).items()


def sent(message: Any) -> Sent:
    """Return a request as what a call looks at."""
    found = Sent(model=message.model, n=getattr(message, "n", 0) or 1)
    found.message = message
    return found


def json_of(message: Any) -> dict[str, Any]:
    """Return what matters of an answer, or of a piece of one."""
    found: dict[str, Any] = {"id": getattr(message, "id", None), "model": getattr(message, "model", None)}
    fields = message.DESCRIPTOR.fields_by_name
    if "service_tier" in fields:
        found["service_tier"] = enum_name(message, "service_tier")
    if "usage" in fields and message.HasField("usage"):
        found["usage"] = table(message.usage)
    if "images" in fields:
        found["images"] = len(message.images)
    return found


def table(message: Any) -> dict[str, Any]:
    """Return the fields of a message without messages inside. What may be left out, and was, is left out."""
    found: dict[str, Any] = {}
    for name, names, has_presence, is_list in _plan(message.DESCRIPTOR):
        if has_presence and not message.HasField(name):
            continue
        value = getattr(message, name)
        if is_list:
            found[name] = [names.get(number, number) for number in value]
        else:
            found[name] = names.get(value, value)
    return found


@functools.lru_cache(64)
def _plan(descriptor: Any) -> list[tuple[str, Mapping[int, str], bool, bool]]:
    return [(field.name, _names(field), field.has_presence, _is_list(field)) for field in descriptor.fields]


def _is_list(field: Any) -> bool:
    """Say whether a field is a list; early versions of protobuf say it by a label, of late an attribute of its own."""
    stated = getattr(field, "is_repeated", None)
    return bool(stated) if stated is not None else field.label == field.LABEL_REPEATED


def _names(field: Any) -> dict[int, str]:
    if field.enum_type is None:
        return {}
    return {number: value.name for number, value in field.enum_type.values_by_number.items()}


def enum_name(message: Any, name: str) -> str | None:
    """Return the value of an enumeration in small letters, without its type's name; None where it has none."""
    number = getattr(message, name, 0)
    if not number:
        return None
    field = message.DESCRIPTOR.fields_by_name[name]
    value = field.enum_type.values_by_number.get(number)
    found = "" if value is None else value.name.lower().removeprefix(f"{name}_")
    return found or None
