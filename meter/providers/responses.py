"""OpenAI's Responses wire. Usage comes with the answer, or with the last event of a stream; in the background, not at all."""

from __future__ import annotations

from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events
from meter.providers.reading import UNREADABLE, look


class Item(msgspec.Struct):
    """A part of an answer: text, or something that the provider ran."""

    type: Any = None
    status: Any = None
    action: Any = None


class Response(Answer):
    """An answer, with its parts unread: most are text."""

    output: Any = msgspec.Raw()


TOOLS = {
    "web_search_call": "web_searches",
    "file_search_call": "file_searches",
    "code_interpreter_call": "code_executions",
}
"""A part's type → the class that counts it."""

_items = msgspec.json.Decoder(list[Item]).decode


def executed(answer: Any) -> dict[str, int]:
    """Count what was run for an answer. Opening a page that a search has found is no search."""
    output = look(answer, "output")
    if isinstance(output, msgspec.Raw):
        if b'_call"' not in bytes(output):
            return {}
        try:
            output = _items(output)
        except UNREADABLE:
            return {}
    found: dict[str, int] = {}
    for item in output if isinstance(output, list) else ():
        name = TOOLS.get(str(look(item, "type")))
        if (
            name
            and look(item, "status") in (None, "completed")
            and look(look(item, "action"), "type") in (None, "search")
        ):
            found[name] = found.get(name, 0) + 1
    return found


class Event(msgspec.Struct):
    """One event of a stream: a piece of text, or the answer as it stands."""

    type: Any = None
    delta: Any = None
    code: Any = None
    response: Response | None = None


ENDS = ("response.completed", "response.incomplete", "response.failed")

RESPONSES = Dialect(
    api="openai.responses",
    operation="chat",
    paths=("/responses", "/responses/compact"),
    counts=(
        Count(
            "input_tokens",
            "input",
            {
                "cache_read": ("input_tokens_details.cached_tokens",),
                "cache_write": ("input_tokens_details.cache_write_tokens",),
                "input_audio": ("input_tokens_details.audio_tokens",),
                "input_image": ("input_tokens_details.image_tokens",),
            },
        ),
        Count(
            "output_tokens",
            "output",
            {
                "reasoning": ("output_tokens_details.reasoning_tokens",),
                "output_audio": ("output_tokens_details.audio_tokens",),
                "output_image": ("output_tokens_details.image_tokens",),
            },
        ),
    ),
    total="total_tokens",
    deferred="background",
    answer=Response,
    executed=executed,
    fees={"web_searches": "tool_usage.web_search.num_requests"},
    events=Events(
        event=Event,
        answers=dict.fromkeys(("response.created", "response.queued", "response.in_progress", *ENDS), "response"),
        texts=dict.fromkeys(
            (
                "response.output_text.delta",
                "response.refusal.delta",
                "response.reasoning_text.delta",
                "response.reasoning_summary_text.delta",
                "response.function_call_arguments.delta",
                "response.mcp_call_arguments.delta",
                "response.custom_tool_call_input.delta",
                "response.code_interpreter_call_code.delta",
            ),
            ("delta",),
        ),
        final=frozenset(ENDS),
        stops=frozenset(ENDS),
        errors={"error": "code", "response.failed": "response.error.code"},
    ),
)
