"""OpenAI's Realtime: usage comes with the end of each response, text and sound apart, and what was cached of each.

A transcription of what was said is another model's, and billed apart.
"""

from __future__ import annotations

from typing import Any

import msgspec

from meter.providers.audio import TRANSCRIPTIONS
from meter.providers.model import Count, Dialect
from meter.providers.responses import ENDS, RESPONSES

Json = dict[str, Any]

KINDS = ("text", "audio", "image")


def prepare(usage: Json) -> Json:
    """Return the counts with what was cached of each kind beside the rest of it."""
    flat = {name: count for name, count in usage.items() if type(count) is int}
    details = _object(usage.get("input_token_details"))
    cached = _object(details.get("cached_tokens_details"))
    total = details.get("cached_tokens")
    for kind in KINDS:
        count, of_cache = details.get(f"{kind}_tokens"), cached.get(f"{kind}_tokens", 0)
        if type(count) is int and kind != "text":
            flat[f"input_{kind}"] = max(count - of_cache, 0)
        if type(of_cache) is int and kind != "text" and of_cache:
            flat[f"cached_{kind}"] = of_cache
    if type(total) is int:
        flat["cached_text"] = max(total - flat.get("cached_audio", 0) - flat.get("cached_image", 0), 0)
    output = _object(usage.get("output_token_details"))
    if type(count := output.get("audio_tokens")) is int:
        flat["output_audio"] = count
    return flat


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


REALTIME = Dialect(
    api="openai.realtime",
    operation="chat",
    paths=(),
    counts=(
        Count(
            "input_tokens",
            "input",
            {
                "cache_read": ("cached_text",),
                "cache_read_audio": ("cached_audio",),
                "cache_read_image": ("cached_image",),
                "input_audio": ("input_audio",),
                "input_image": ("input_image",),
            },
        ),
        Count("output_tokens", "output", {"output_audio": ("output_audio",)}),
    ),
    prepare=prepare,
)


class Transcription(msgspec.Struct):
    """How what is said is written down."""

    model: str | None = None


class Input(msgspec.Struct):
    """What comes in."""

    transcription: Transcription | None = None


class Audio(msgspec.Struct):
    """Sound, in and out."""

    input: Input | None = None


class Session(msgspec.Struct):
    """What is agreed on: the model is said here, and not with a response."""

    model: str | None = None
    audio: Audio | None = None
    input_audio_transcription: Transcription | None = None

    @property
    def transcriber(self) -> str | None:
        """The model that writes down what is said."""
        of_input = self.audio.input.transcription if self.audio and self.audio.input else None
        found = of_input or self.input_audio_transcription
        return found.model if found else None


class Reply(msgspec.Struct):
    """A response, as far as it matters."""

    id: str | None = None
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


class Event(msgspec.Struct):
    """One message of the server."""

    type: str | None = None
    item_id: str | None = None
    session: Session | None = None
    response: Reply | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


TELLING = (
    *("session.created", "session.updated", "response.done", "transcription.completed"),
    *("response.completed", "response.incomplete", "response.failed"),
)
"""What a message has in it that tells us something; most are pieces of sound, and are not looked at."""

DIALECTS = {
    "response.done": REALTIME,
    **dict.fromkeys(ENDS, RESPONSES),
    "conversation.item.input_audio_transcription.completed": TRANSCRIPTIONS,
}

decode = msgspec.json.Decoder(Event).decode
