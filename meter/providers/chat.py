"""OpenAI's first wire, which most vendors speak too: chat completions, legacy completions, embeddings.

`prompt_tokens` includes what was read from a cache and `completion_tokens` the reasoning. Some say it otherwise: xAI leaves
reasoning out of the output, Mistral audio out of the input; the grand total tells. A stream states usage on its last chunk,
if asked to.
"""

from __future__ import annotations

from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events


class Function(msgspec.Struct):
    """Arguments of a tool call, in pieces."""

    arguments: Any = None


class ToolCall(msgspec.Struct):
    """A tool call, in pieces."""

    function: Function | None = None


class Audio(msgspec.Struct):
    """Speech, of which only what it says is text."""

    transcript: Any = None


class Delta(msgspec.Struct):
    """What a chunk adds to a choice."""

    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None
    audio: Audio | None = None


class Choice(msgspec.Struct):
    """One of the answers asked for. Chat has a delta, completions have text."""

    delta: Delta | None = None
    text: Any = None
    finish_reason: Any = None


class Chunk(Answer):
    """One event of a stream."""

    choices: list[Choice] | None = None


COUNTS = (
    Count(
        "prompt_tokens",
        "input",
        {
            "cache_read": (
                "prompt_tokens_details.cached_tokens",
                "prompt_cache_hit_tokens",  # DeepSeek
                "cached_tokens",  # Together
                "num_cached_tokens",  # Mistral
            ),
            "cache_write": ("prompt_tokens_details.cache_write_tokens",),
            "input_audio": ("prompt_tokens_details.audio_tokens",),
            "input_image": ("prompt_tokens_details.image_tokens",),
            "input_video": ("prompt_tokens_details.video_tokens",),
        },
    ),
    Count(
        "completion_tokens",
        "output",
        {
            "reasoning": ("completion_tokens_details.reasoning_tokens",),
            "output_audio": ("completion_tokens_details.audio_tokens",),
            "output_image": ("completion_tokens_details.image_tokens",),
        },
    ),
)

TEXTS = (
    "delta.content",
    "delta.tool_calls[].function.arguments",
    "delta.reasoning_content",  # DeepSeek
    "delta.reasoning",  # OpenRouter, Groq
    "delta.refusal",
    "delta.function_call.arguments",  # before there were tools
    "delta.audio.transcript",
)

CHAT = Dialect(
    api="openai.chat",
    operation="chat",
    paths=("/chat/completions",),
    counts=COUNTS,
    total="total_tokens",
    events=Events(event=Chunk, answers={"": ""}, items="choices", texts={"": TEXTS}),
    asks_for_usage=True,
)

COMPLETIONS = Dialect(
    api="openai.completions",
    operation="text_completion",
    paths=("/completions",),
    counts=COUNTS,
    total="total_tokens",
    events=Events(event=Chunk, answers={"": ""}, items="choices", texts={"": ("text",)}),
    asks_for_usage=True,
)

EMBEDDINGS = Dialect(
    api="openai.embeddings",
    operation="embeddings",
    paths=("/embeddings",),
    counts=COUNTS,
    total="total_tokens",
    usage_at_end=True,
)
