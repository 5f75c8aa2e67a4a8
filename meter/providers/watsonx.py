"""IBM watsonx.ai: text generation. In a stream the first event has the input, and the output's count runs on."""

from __future__ import annotations

from typing import Any

import msgspec

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
    paths=("/generation/text", "/generation/text_stream"),
    model="model_id",
    counts=(Count("input_token_count", "input"), Count("generated_token_count", "output")),
    answer=Generation,
    events=Events(event=Generation, answers={"": ""}, items="results", texts={"": ("generated_text",)}),
)
