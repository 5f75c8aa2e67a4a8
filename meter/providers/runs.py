"""Runs of OpenAI's assistants. A run goes on over several requests; its usage is stated with its end, and nowhere before."""

from __future__ import annotations

from typing import Any

from meter.providers.model import Answer, Count, Dialect, Events

RUN = "thread.run"
ENDS = tuple(f"{RUN}.{status}" for status in ("completed", "incomplete", "failed", "cancelled", "expired"))


class Event(Answer):
    """One event of a run's stream as bytes: its name stands apart from it, but what it is about says the same."""

    object: str | None = None
    status: str | None = None
    created_at: float | None = None

    @property
    def event(self) -> str | None:
        """Its name, as the SDK writes it."""
        return f"{RUN}.{self.status}" if self.object == RUN else None

    @property
    def data(self) -> Any:
        """What it is about."""
        return self


RUNS = Dialect(
    api="openai.runs",
    operation="chat",
    paths=(),
    counts=(
        Count("prompt_tokens", "input", {"cache_read": ("prompt_token_details.cached_tokens",)}),
        Count("completion_tokens", "output", {"reasoning": ("completion_tokens_details.reasoning_tokens",)}),
    ),
    total="total_tokens",
    events=Events(
        event=Event,
        kind="event",
        answers=dict.fromkeys((f"{RUN}.created", *ENDS), "data"),
        texts={},
        final=frozenset(ENDS),
        errors={f"{RUN}.failed": "data.last_error.code"},
    ),
)
"""Runs of an assistant state their usage in the words of chat, but for a letter."""
