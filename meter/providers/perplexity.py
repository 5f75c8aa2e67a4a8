"""Perplexity: OpenAI's wires with searches, citations and reasoning beside the output, and a cost that it states itself.

A stream of chat repeats the usage in every chunk; costs before the last one are 0.
"""

from __future__ import annotations

from dataclasses import replace

from meter.providers import chat, responses
from meter.providers.model import Count

COUNTS = (
    *chat.COUNTS,
    Count("reasoning_tokens", "reasoning"),
    Count("citation_tokens", "citation"),
    Count("num_search_queries", "web_searches"),
)

COST = {"cost.total_cost": 0}

CHAT = replace(chat.CHAT, counts=COUNTS, total="", cost=COST, asks_for_usage=False)

RESPONSES = replace(
    responses.RESPONSES,
    counts=(
        Count(
            "input_tokens",
            "input",
            {
                "cache_read": ("input_tokens_details.cache_read_input_tokens",),
                "cache_write": ("input_tokens_details.cache_creation_input_tokens",),
            },
        ),
        Count("output_tokens", "output"),
        Count("tool_calls_details.search_web.invocation", "web_searches"),
    ),
    cost=COST,
)

DIALECTS = (CHAT, RESPONSES, replace(chat.EMBEDDINGS, cost=COST))
