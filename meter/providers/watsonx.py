"""IBM watsonx.ai: text generation, chat, embeddings, rerank; and its gateway, which speaks OpenAI's wires.

In a stream of text generation the first event has the input, and the output's count runs on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from meter.providers import chat
from meter.providers.model import Answer, Count, Dialect, Events


class Result(msgspec.Struct):
    """An answer, or a piece of one."""

    generated_text: Any = None
    generated_token_count: int | None = None
    input_token_count: int | None = None


class Generation(Answer, rename={"model": "model_id"}):
    """What comes back, at once or event by event."""

    model: str | None = None
    results: list[Result] | None = None

    def stated(self) -> Any:
        """Return the counts; later events repeat the input as 0."""
        if not self.results:
            return None
        first = self.results[0]
        found = {
            "input_token_count": first.input_token_count or None,
            "generated_token_count": first.generated_token_count,
        }
        return {name: count for name, count in found.items() if count is not None} or None


GENERATE = Dialect(
    api="watsonx.generation",
    operation="text_completion",
    paths=("/text/generation", "/text/generation_stream", "/generation/text", "/generation/text_stream"),
    model="model_id",
    counts=(Count("input_token_count", "input"), Count("generated_token_count", "output")),
    answer=Generation,
    events=Events(event=Generation, answers={"": ""}, items="results", texts={"": ("generated_text",)}),
)


class Chatted(Answer, rename={"model": "model_id"}):
    """An answer of a chat."""

    model: str | None = None


class Chunk(chat.Chunk, rename={"model": "model_id"}):
    """A piece of one."""

    model: str | None = None


assert chat.CHAT.events is not None
CHAT = replace(
    chat.CHAT,
    api="watsonx.chat",
    paths=("/text/chat", "/text/chat_stream"),
    model="model_id",
    answer=Chatted,
    events=replace(chat.CHAT.events, event=Chunk),
    asks_for_usage=False,
)


class Listed(Answer, rename={"model": "model_id"}):
    """Vectors, or a ranking; the one count lies beside them."""

    model: str | None = None
    input_token_count: int | None = None

    def stated(self) -> Any:
        """Return the count."""
        return None if self.input_token_count is None else {"input_token_count": self.input_token_count}


EMBEDDINGS = Dialect(
    api="watsonx.embeddings",
    operation="embeddings",
    paths=("/text/embeddings",),
    model="model_id",
    counts=(Count("input_token_count", "input"),),
    answer=Listed,
    never=("output",),
)

RERANK = replace(EMBEDDINGS, api="watsonx.rerank", operation="rerank", paths=("/text/rerank",))

DIALECTS = (
    *(GENERATE, CHAT, EMBEDDINGS, RERANK),
    *(chat.CHAT, chat.COMPLETIONS, chat.EMBEDDINGS),
)
