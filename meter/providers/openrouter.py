"""OpenRouter: OpenAI's wires, with what the call cost, and tools that the gateway itself runs."""

from __future__ import annotations

from dataclasses import replace

from meter.providers import audio, chat, images, messages, responses
from meter.providers.model import Count, Dialect

COST = {"cost": 0}
COUNTS = (*chat.COUNTS, Count("server_tool_use_details.web_search_requests", "web_searches"))

DIALECTS: tuple[Dialect, ...] = (
    replace(chat.CHAT, counts=COUNTS, total="", cost=COST),
    replace(chat.COMPLETIONS, cost=COST),
    replace(chat.EMBEDDINGS, cost=COST),
    replace(responses.RESPONSES, cost=COST),
    replace(images.IMAGES, counts=chat.COUNTS, paths=("/images",), cost=COST),
    replace(audio.TRANSCRIPTIONS, cost=COST),
    replace(audio.SPEECH, cost=COST),
    replace(messages.MESSAGES, cost=COST),
    Dialect(
        api="openrouter.rerank",
        operation="rerank",
        paths=("/rerank",),
        counts=(Count("total_tokens", "input"),),
        cost=COST,
        never=("output",),
    ),
)
