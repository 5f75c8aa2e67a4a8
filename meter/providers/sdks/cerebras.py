"""Cerebras: OpenAI's wire."""

from __future__ import annotations

from meter.providers import chat
from meter.providers.model import Provider

PROVIDER = Provider(
    name="cerebras",
    package="cerebras.cloud.sdk",
    family="stainless",
    modules=("cerebras.cloud.sdk._base_client",),
    dialects=(chat.CHAT, chat.COMPLETIONS),
    tested=("1.50.1", "1.91.0"),
    distribution="cerebras-cloud-sdk",
)
