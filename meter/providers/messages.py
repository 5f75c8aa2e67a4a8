"""Anthropic's Messages wire.

`input_tokens` leaves out what was read from or written to a cache; `output_tokens` includes thinking. In a stream the counts
are cumulative: `message_start` has the input and a placeholder of output, `message_delta` repeats what has changed since. The
split of cache writes by time to live covers the first pass only, so the rest of the total is a write of unknown time to live.

Some passes of one call are in no total (compaction, advisor): each becomes a call of its own, with this one as its parent.
"""

from __future__ import annotations

from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events


class Delta(msgspec.Struct):
    """What an event adds to a content block."""

    text: Any = None
    thinking: Any = None
    partial_json: Any = None


class Event(Answer):
    """One event of a stream."""

    type: Any = None
    message: Answer | None = None
    delta: Delta | None = None


MESSAGES = Dialect(
    api="anthropic.messages",
    operation="chat",
    paths=("/messages",),
    counts=(
        Count("input_tokens", "input"),
        Count("cache_read_input_tokens", "cache_read"),
        Count(
            "cache_creation_input_tokens",
            "cache_write",
            {
                "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens",),
                "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens",),
            },
        ),
        Count("output_tokens", "output", {"reasoning": ("output_tokens_details.thinking_tokens",)}),
        Count("server_tool_use.web_search_requests", "web_searches"),
        Count("server_tool_use.web_fetch_requests", "web_fetches"),
    ),
    fields={"tier": "service_tier", "region": "inference_geo", "context.speed": "speed"},
    events=Events(
        event=Event,
        answers={"message_start": "message", "message_delta": ""},
        texts={"content_block_delta": ("delta.text", "delta.thinking", "delta.partial_json")},
        final=frozenset({"message_delta"}),
        stops=frozenset({"message_stop"}),
        errors={"error": "error.type"},  # seen by those who read the bytes; the SDK raises
    ),
    placeholder=("output", "reasoning"),
    iterations="iterations",
)


class Completion(Answer):
    """One event of a streamed completion."""

    completion: Any = None

    @property
    def pieces(self) -> list[Completion]:
        """Its one piece of text."""
        return [self]


COMPLETE = Dialect(
    api="anthropic.completions",
    operation="text_completion",
    paths=("/complete",),
    events=Events(event=Completion, answers={"": ""}, items="pieces", texts={"": ("completion",)}),
)
