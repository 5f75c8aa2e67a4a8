"""Hugging Face: OpenAI's wires on its router, on endpoints of one's own, and at the vendors it hands a request to."""

from __future__ import annotations

from meter.providers import chat
from meter.providers.model import Provider

PROVIDER = Provider(
    name="huggingface",
    package="huggingface_hub",
    family="huggingface",
    modules=("huggingface_hub.inference._client", "huggingface_hub.inference._generated._async_client"),
    dialects=(chat.CHAT, chat.EMBEDDINGS),
    tested=("0.36.2", "2.4.0"),
    address="",
    keys=("token",),
)
