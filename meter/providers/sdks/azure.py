"""Models of Azure AI Foundry through azure-ai-inference."""

from __future__ import annotations

from meter.providers.chat import CHAT, EMBEDDINGS
from meter.providers.model import Provider

PROVIDER = Provider(
    name="azure.ai.inference",
    package="azure.ai.inference",
    family="azure",
    modules=("azure.ai.inference", "azure.ai.inference.aio"),
    dialects=(CHAT, EMBEDDINGS),
    tested=("1.0.0b9", "1.0.0b9"),
    distribution="azure-ai-inference",
    address="_config.endpoint",
    keys=("_config.credential.key",),
)
