"""Mistral: OpenAI's wire, where audio lies beside the input and not in it, and OCR by the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from meter.providers import audio, chat
from meter.providers.model import Answer, Count, Dialect


class Pages(Answer, rename={"usage": "usage_info"}):
    """What comes back from OCR."""

    usage: Any = None


OCR = Dialect(
    api="mistral.ocr", operation="ocr", paths=("/ocr",), counts=(Count("pages_processed", "pages"),), answer=Pages
)

TRANSCRIPTIONS = replace(audio.TRANSCRIPTIONS, counts=chat.COUNTS, total="total_tokens")

DIALECTS = (OCR, TRANSCRIPTIONS)
