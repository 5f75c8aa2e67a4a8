"""Groq: OpenAI's wire, whose streams state their usage in a place of its own, asked or not."""

from __future__ import annotations

from dataclasses import replace

from meter.providers import audio, chat
from meter.providers.model import Answer


class Chunk(chat.Chunk):
    """One event of a stream."""

    x_groq: Answer | None = None


assert chat.CHAT.events is not None
CHAT = replace(chat.CHAT, events=replace(chat.CHAT.events, event=Chunk, beside="x_groq"), asks_for_usage=False)

DIALECTS = (CHAT, chat.EMBEDDINGS, audio.TRANSCRIPTIONS, audio.SPEECH)
