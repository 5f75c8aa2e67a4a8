"""Mistral: OpenAI's wire, where audio lies beside the input and not in it, and OCR by the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meter.providers import audio, chat, images
from meter.providers.model import Answer, Count, Dialect


class Pages(Answer, rename={"usage": "usage_info"}):
    """What comes back from OCR."""

    usage: Any = None


OCR = Dialect(
    api="mistral.ocr", operation="ocr", paths=("/ocr",), counts=(Count("pages_processed", "pages"),), answer=Pages
)

TRANSCRIPTIONS = replace(audio.TRANSCRIPTIONS, counts=chat.COUNTS, total="total_tokens")

CHAT = replace(chat.CHAT, paths=("/chat/completions", "/agents/completions"), asks_for_usage=False)
FILL_IN = replace(chat.COMPLETIONS, paths=("/fim/completions",), asks_for_usage=False, events=chat.CHAT.events)

REALTIME_SPEECH = replace(
    TRANSCRIPTIONS, api="mistral.realtime_speech", operation=audio.SPEECH.operation, paths=(), events=None
)

SOCKETS = {"transcription.done": TRANSCRIPTIONS, "speech.audio.done": REALTIME_SPEECH}
"""Events of a connection that stays open, which state its usage → their wire."""

DIALECTS = (CHAT, FILL_IN, chat.EMBEDDINGS, OCR, TRANSCRIPTIONS, audio.SPEECH, images.MODERATIONS)
