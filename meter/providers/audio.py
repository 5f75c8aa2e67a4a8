"""OpenAI's audio: transcriptions are billed by tokens or by the second, as their usage says; speech by the request's text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meter.providers.model import Answer, Count, Dialect, Events


class Event(Answer):
    """One event of a streamed transcription."""

    type: Any = None
    delta: Any = None


DONE = "transcript.text.done"

TRANSCRIPTIONS = Dialect(
    api="openai.audio_transcriptions",
    operation="transcription",
    paths=("/audio/transcriptions", "/audio/translations"),
    counts=(
        Count("input_tokens", "input", {"input_audio": ("input_token_details.audio_tokens",)}),
        Count("output_tokens", "output"),
        Count("seconds", "audio_seconds"),
    ),
    events=Events(
        event=Event,
        answers={DONE: ""},
        texts={"transcript.text.delta": ("delta",)},
        final=frozenset({DONE}),
    ),
)


def characters(request: Mapping[str, Any]) -> dict[str, int]:
    """Return how much text is to be spoken."""
    text = request.get("input")
    return {"characters": len(text)} if isinstance(text, str) else {}


SPOKEN = "speech.audio.done"

SPEECH = Dialect(
    api="openai.audio_speech",
    operation="speech",
    paths=("/audio/speech",),
    counts=(Count("input_tokens", "input"), Count("output_tokens", "output_audio")),
    asked=characters,
    opaque=True,
    events=Events(event=Event, answers={SPOKEN: ""}, texts={}, final=frozenset({SPOKEN})),
)
"""Sound has no room for usage, unless it is asked for as a stream of events."""
