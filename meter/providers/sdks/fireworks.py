"""Fireworks: OpenAI's and Anthropic's wires."""

from __future__ import annotations

from meter.providers import chat, messages
from meter.providers.model import Provider

PROVIDER = Provider(
    name="fireworks",
    package="fireworks",
    family="stainless",
    modules=("fireworks._base_client",),
    dialects=(chat.CHAT, chat.COMPLETIONS, chat.EMBEDDINGS, messages.MESSAGES),
    tested=("1.2.0", "1.2.28"),
    distribution="fireworks-ai",
)
