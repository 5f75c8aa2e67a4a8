"""Aleph Alpha: completions, whose counts lie in the answer itself."""

from __future__ import annotations

from typing import Any

from meter.providers.model import Answer, Count, Dialect


class Completed(Answer, rename={"model": "model_version"}):
    """An answer."""

    model: str | None = None
    num_tokens_prompt_total: int | None = None
    num_tokens_generated: int | None = None

    def stated(self) -> Any:
        """Return the two counts."""
        found = {
            "num_tokens_prompt_total": self.num_tokens_prompt_total,
            "num_tokens_generated": self.num_tokens_generated,
        }
        return {name: count for name, count in found.items() if count is not None} or None


COMPLETE = Dialect(
    api="alephalpha.complete",
    operation="text_completion",
    paths=("/complete",),
    counts=(Count("num_tokens_prompt_total", "input"), Count("num_tokens_generated", "output")),
    answer=Completed,
)
