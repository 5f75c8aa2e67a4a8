"""OpenAI's Responses wire. Usage comes with the answer, or with the last event of a stream; in the background, not at all."""

from __future__ import annotations

from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events


class Event(msgspec.Struct):
    """One event of a stream: a piece of text, or the answer as it stands."""

    type: Any = None
    delta: Any = None
    code: Any = None
    response: Answer | None = None


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
