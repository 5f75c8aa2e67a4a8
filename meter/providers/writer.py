"""Writer: OpenAI's wire under a path of its own, with one name that differs by a letter."""

from __future__ import annotations

from dataclasses import replace

from meter.providers import chat
from meter.providers.model import Count

COUNTS = (
    Count("prompt_tokens", "input", {"cache_read": ("prompt_token_details.cached_tokens",)}),
    Count(
        "completion_tokens",
        "output",
        {"reasoning": ("completion_tokens_details.reasoning_tokens", "completion_token_details.reasoning_tokens")},
    ),
)

DIALECTS = (replace(chat.CHAT, paths=("/v1/chat",), counts=COUNTS), chat.COMPLETIONS)
