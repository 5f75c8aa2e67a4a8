"""AI21: OpenAI's wire, whose streams state their usage unasked. What runs as an agent states none at all."""

from __future__ import annotations

from dataclasses import replace

from meter.providers import chat
from meter.providers.model import Dialect

CHAT = replace(chat.CHAT, asks_for_usage=False)

RAG = Dialect(api="ai21.conversational_rag", operation="chat", paths=("/conversational-rag",))

MAESTRO = Dialect(api="ai21.maestro", operation="invoke_agent", paths=("/maestro/runs",))

DIALECTS = (CHAT, RAG, MAESTRO)
