"""Cohere: what is charged stands apart (`billed_units`) from what the model saw (`tokens`), which includes a template.

No answer names its model.
"""

from __future__ import annotations

from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events

COUNTS = (
    Count("billed_units.input_tokens", "input"),
    Count("billed_units.output_tokens", "output", {"reasoning": ("tokens.reasoning_tokens",)}),
    Count("billed_units.image_tokens", "input_image"),
    Count("billed_units.search_units", "rerank_searches"),
    Count("billed_units.images", "images"),
)


class Text(msgspec.Struct):
    """A piece of text."""

    text: Any = None


class Message(msgspec.Struct):
    """What a message gains."""

    content: Text | list[Any] | None = None


class Delta(msgspec.Struct):
    """What an event adds; the last one has the usage."""

    message: Message | None = None
    usage: Any = None


class Event(Answer):
    """One event of a stream."""

    type: Any = None
    delta: Delta | None = None

    def stated(self) -> Any:
        """Return the usage of the last event."""
        return self.delta.usage if self.delta is not None else self.usage


CHAT = Dialect(
    api="cohere.v2_chat",
    operation="chat",
    paths=("/v2/chat",),
    counts=COUNTS,
    events=Events(
        event=Event,
        answers={"message-start": "", "message-end": ""},
        texts={"content-delta": ("delta.message.content.text",)},
        final=frozenset({"message-end"}),
        stops=frozenset({"message-end"}),
    ),
)


class Version1(Answer, rename={"id": "response_id", "usage": "meta"}):
    """An answer of the first version."""

    id: str | None = None
    usage: Any = None


class Version1Event(msgspec.Struct):
    """One event of a stream of the first version."""

    event_type: Any = None
    text: Any = None
    response: Version1 | None = None

    @property
    def type(self) -> Any:
        """Its kind, under the name that other wires use."""
        return self.event_type


CHAT_1 = Dialect(
    api="cohere.v1_chat",
    operation="chat",
    paths=("/v1/chat",),
    counts=COUNTS,
    answer=Version1,
    events=Events(
        event=Version1Event,
        answers={"stream-end": "response"},
        texts={"text-generation": ("text",)},
        final=frozenset({"stream-end"}),
    ),
)


class Metered(Answer, rename={"usage": "meta"}):
    """An answer whose usage lies in `meta`."""

    usage: Any = None


class GeneratedEvent(msgspec.Struct):
    """One event of a streamed completion."""

    event_type: Any = None
    text: Any = None
    response: Metered | None = None

    @property
    def type(self) -> Any:
        """Its kind, under the name that other wires use."""
        return self.event_type


GENERATE = Dialect(
    api="cohere.v1_generate",
    operation="text_completion",
    paths=("/v1/generate",),
    counts=COUNTS,
    answer=Metered,
    events=Events(
        event=GeneratedEvent,
        answers={"stream-end": "response"},
        texts={"text-generation": ("text",)},
        final=frozenset({"stream-end"}),
    ),
)

EMBED = Dialect(
    api="cohere.embed",
    operation="embeddings",
    paths=("/v1/embed", "/v2/embed"),
    counts=COUNTS,
    answer=Metered,
    never=("output",),
    usage_at_end=True,
)

RERANK = Dialect(
    api="cohere.rerank", operation="rerank", paths=("/v1/rerank", "/v2/rerank"), counts=COUNTS, answer=Metered
)

DIALECTS = (CHAT, CHAT_1, GENERATE, EMBED, RERANK)
