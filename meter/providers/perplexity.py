"""Perplexity: OpenAI's wire with searches, citations and reasoning beside the output, and a cost that the provider states itself.

A stream repeats the usage in every chunk; costs before the last one are 0.
"""

from __future__ import annotations

from dataclasses import replace

from meter.providers import chat
from meter.providers.model import Count

COUNTS = (
    *chat.COUNTS,
    Count("reasoning_tokens", "reasoning"),
    Count("citation_tokens", "citation"),
    Count("num_search_queries", "web_searches"),
)

COST = ("cost.total_cost",)

CHAT = replace(chat.CHAT, counts=COUNTS, total="", cost=COST, asks_for_usage=False)

DIALECTS = (CHAT, replace(chat.EMBEDDINGS, cost=COST))
