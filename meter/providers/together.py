"""Together: OpenAI's wires, and a rerank with the same usage object."""

from __future__ import annotations

from meter.providers import audio, chat, images
from meter.providers.model import Dialect

RERANK = Dialect(
    api="together.rerank", operation="rerank", paths=("/rerank",), counts=chat.COUNTS, total="total_tokens"
)

DIALECTS = (
    chat.CHAT,
    chat.COMPLETIONS,
    chat.EMBEDDINGS,
    RERANK,
    images.IMAGES,
    audio.TRANSCRIPTIONS,
    audio.SPEECH,
)
