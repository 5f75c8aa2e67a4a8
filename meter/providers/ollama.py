"""Ollama's own wire: the counts lie in the answer itself, in a stream in its last line.

Where the prompt was cached its count is left out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events

COUNTED = (
    "prompt_eval_count",
    "eval_count",
    "total_duration",
    "load_duration",
    "prompt_eval_duration",
    "eval_duration",
)


class Message(msgspec.Struct):
    """A piece of the answer."""

    content: Any = None
    thinking: Any = None


class Line(Answer):
    """An answer, or a line of one."""

    message: Message | None = None
    response: Any = None
    done: Any = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_duration: int | None = None
    eval_duration: int | None = None

    def stated(self) -> Any:
        """Return the counts of the last line."""
        found = {name: count for name in COUNTED if (count := getattr(self, name)) is not None}
        return found if "prompt_eval_count" in found or "eval_count" in found else None

    @property
    def texts(self) -> list[Message]:
        """Its pieces, as wires with several answers have them; the last line, which states the usage, has none."""
        if self.done:
            return []
        return [self.message if self.message is not None else Message(self.response)]


COUNTS = (Count("prompt_eval_count", "input"), Count("eval_count", "output"))
EVENTS = Events(event=Line, answers={"": ""}, items="texts", texts={"": ("content", "thinking")})

CHAT = Dialect(api="ollama.chat", operation="chat", paths=("/api/chat",), counts=COUNTS, answer=Line, events=EVENTS)
GENERATE = Dialect(
    api="ollama.generate",
    operation="text_completion",
    paths=("/api/generate",),
    counts=COUNTS,
    answer=Line,
    events=EVENTS,
)
EMBED = Dialect(
    api="ollama.embed",
    operation="embeddings",
    paths=("/api/embed", "/api/embeddings"),
    counts=COUNTS,
    answer=Line,
    never=("output",),
)

DIALECTS = (CHAT, GENERATE, EMBED)
