"""LiteLLM: it rides on OpenAI's SDK for some vendors, and calls the others itself, each in its own wire."""

from __future__ import annotations

from collections.abc import Mapping

from meter.names import provider_for

ALIASES: Mapping[str, str] = {
    "azure_ai": "azure.ai.inference",
    "bedrock_converse": "aws.bedrock",
    "cohere_chat": "cohere",
    "fireworks_ai": "fireworks",
    "hosted_vllm": "vllm",
    "moonshot": "moonshot_ai",
    "ollama_chat": "ollama",
    "together_ai": "together",
    "vertex_ai_beta": "gcp.vertex_ai",
    "watsonx_text": "ibm.watsonx.ai",
}
"""What LiteLLM calls a provider, where nobody else does."""


def named(provider: str) -> str:
    """Return Meter's name of a provider of LiteLLM's."""
    return ALIASES.get(provider) or provider_for(provider)
