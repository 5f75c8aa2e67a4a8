"""Every name that more than one part must agree on: usage classes and providers.

A usage class is Meter's: classes are disjoint, so that a call's charges add up to its cost. `registry_key` is the unit of
genai-prices' registry that prices it (None: the registry has none), `column` the column of the `calls` view that shows it.
Provider names are OpenTelemetry's where it has one (`gen_ai.provider.name`); `genai_id` is genai-prices'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["input", "output"]


@dataclass(frozen=True)
class UsageClass:
    """One kind of consumption. Token classes have a side; countable fees have none."""

    name: str
    registry_key: str | None
    side: Side | None = None
    column: str | None = None
    unit: str = "token"


@dataclass(frozen=True)
class ProviderName:
    """A provider, by all the names it goes by."""

    name: str
    genai_id: str | None
    title: str
    aliases: tuple[str, ...] = ()


CLASSES: tuple[UsageClass, ...] = (
    UsageClass("input", "input_tokens", "input"),
    UsageClass("cache_read", "cache_read_tokens", "input", "cache_read_tokens"),
    UsageClass("cache_write", "cache_write_tokens", "input"),
    UsageClass("cache_write_5m", "cache_write_5m_tokens", "input", "cache_write_5m_tokens"),
    UsageClass("cache_write_1h", "cache_write_1h_tokens", "input", "cache_write_1h_tokens"),
    UsageClass("input_audio", "input_audio_tokens", "input", "input_audio_tokens"),
    UsageClass("input_image", "input_image_tokens", "input"),
    UsageClass("input_video", "input_video_tokens", "input"),
    UsageClass("input_document", None, "input"),
    UsageClass("input_tool", "input_tool_tokens", "input"),
    UsageClass("cache_read_audio", "cache_audio_read_tokens", "input"),
    UsageClass("cache_read_image", "cache_image_read_tokens", "input"),
    UsageClass("cache_read_video", "cache_video_read_tokens", "input"),
    UsageClass("cache_write_audio", "cache_audio_write_tokens", "input"),
    UsageClass("cache_write_image", "cache_image_write_tokens", "input"),
    UsageClass("cache_write_video", "cache_video_write_tokens", "input"),
    UsageClass("output", "output_tokens", "output"),
    UsageClass("reasoning", "output_reasoning_tokens", "output", "reasoning_tokens"),
    UsageClass("citation", "output_citation_tokens", "output"),
    UsageClass("output_audio", "output_audio_tokens", "output", "output_audio_tokens"),
    UsageClass("output_image", "output_image_tokens", "output"),
    UsageClass("output_video", "output_video_tokens", "output"),
    UsageClass("audio_seconds", "audio_seconds", unit="second"),
    UsageClass("input_audio_seconds", "input_audio_seconds", unit="second"),
    UsageClass("output_audio_seconds", "output_audio_seconds", unit="second"),
    UsageClass("characters", "input_characters", unit="character"),
    UsageClass("pixels", "input_pixels", unit="pixel"),
    UsageClass("pages", "input_document_pages", unit="page"),
    UsageClass("annotated_pages", "input_annotated_document_pages", unit="page"),
    UsageClass("messages", "input_text_messages", unit="message"),
    UsageClass("images", None, unit="image"),
    UsageClass("web_searches", "web_searches", unit="search"),
    UsageClass("social_searches", "social_searches", unit="search"),
    UsageClass("file_searches", "storage_searches", unit="search"),
    UsageClass("web_fetches", None, unit="fetch"),
    UsageClass("code_executions", "code_executions", unit="execution"),
    UsageClass("rerank_searches", "rerank_searches", unit="search"),
    UsageClass("requests", "requests", unit="request"),
)

PROVIDERS: tuple[ProviderName, ...] = (
    ProviderName("openai", "openai", "OpenAI"),
    ProviderName("anthropic", "anthropic", "Anthropic"),
    ProviderName("azure.ai.openai", "azure", "Azure OpenAI", ("azure_openai",)),
    ProviderName("azure.ai.inference", "azure", "Azure AI Foundry", ("azure_ai",)),
    ProviderName("aws.bedrock", "aws", "Amazon Bedrock", ("bedrock",)),
    ProviderName("gcp.gemini", "google", "Gemini API", ("gemini",)),
    ProviderName("gcp.vertex_ai", "google", "Google Vertex AI", ("vertex", "vertex_ai")),
    ProviderName("gcp.gen_ai", "google", "Google Gen AI"),
    ProviderName("mistral_ai", "mistral", "Mistral AI", ("mistralai",)),
    ProviderName("cohere", "cohere", "Cohere"),
    ProviderName("deepseek", "deepseek", "DeepSeek"),
    ProviderName("groq", "groq", "Groq"),
    ProviderName("perplexity", "perplexity", "Perplexity"),
    ProviderName("x_ai", "x-ai", "xAI", ("xai",)),
    ProviderName("moonshot_ai", "moonshotai", "Moonshot AI"),
    ProviderName("ibm.watsonx.ai", None, "IBM watsonx.ai", ("watsonx",)),
    ProviderName("openrouter", "openrouter", "OpenRouter"),
    ProviderName("together", "together", "Together AI"),
    ProviderName("fireworks", "fireworks", "Fireworks AI"),
    ProviderName("cerebras", "cerebras", "Cerebras"),
    ProviderName("sambanova", None, "SambaNova"),
    ProviderName("voyage", "voyageai", "Voyage AI"),
    ProviderName("zai", "zai", "Z.ai"),
    ProviderName("ollama", None, "Ollama"),
    ProviderName("vllm", None, "vLLM"),
    ProviderName("writer", None, "Writer"),
    ProviderName("huggingface", None, "Hugging Face", ("huggingface_hub",)),
    ProviderName("ai21", None, "AI21"),
    ProviderName("replicate", None, "Replicate"),
    ProviderName("alephalpha", None, "Aleph Alpha"),
)

USUAL_CLASSES: tuple[str, ...] = (
    *("input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "input_audio"),
    *("output", "reasoning", "output_audio"),
)
"""Classes with a column of their own, under the class's name, wherever calls are kept."""

INPUT_CLASSES: frozenset[str] = frozenset(c.name for c in CLASSES if c.side == "input")
OUTPUT_CLASSES: frozenset[str] = frozenset(c.name for c in CLASSES if c.side == "output")

UNMETERED = "unmetered "
"""What the count of unmetered calls to a server begins with, among the counts of a spool's state; provider and server follow."""

_BY_ANY_NAME = {
    key: provider.name
    for provider in reversed(PROVIDERS)  # the first of those that share a genai-prices id wins
    for key in (provider.genai_id, *provider.aliases, provider.name)
    if key
}


def provider_for(alias: str) -> str:
    """Return the provider's name for any of its names; one that nobody knows stands for itself."""
    return _BY_ANY_NAME.get(alias, alias)
