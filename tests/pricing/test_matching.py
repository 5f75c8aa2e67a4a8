"""Whose model is it? The catalogue's own matchers decide, and data of ours where they say nothing."""

from __future__ import annotations

import pytest

from meter.names import PROVIDERS
from meter.pricing import catalogue
from meter.pricing.matching import Match, developer, match


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("openai", None, "gpt-4o-2024-08-06", "gpt-4o"), ("openai", "gpt-4o", False)),
        (("openai", None, "ft:gpt-4o-mini-2024-07-18:acme::x", None), ("openai", "ft:gpt-4o-mini", False)),
        (("azure.ai.openai", None, "gpt-4o-2024-08-06", "prod"), ("openai", "gpt-4o", True)),
        (("gcp.vertex_ai", None, None, "claude-sonnet-4-5@20250929"), ("google", "claude-sonnet-4-5", False)),
        (("google", None, None, "gemini-2.5-pro"), ("google", "gemini-2.5-pro", False)),
        (("aws.bedrock", None, None, "anthropic.claude-opus-5"), ("aws", "regional.anthropic.claude-opus-5", False)),
        (("github-copilot", None, None, "gpt-4o"), ("github-copilot", "gpt-4o", False)),
        (("x", "api.deepseek.com", None, "deepseek-chat"), ("deepseek", "deepseek-chat", False)),
        ((None, "api.deepseek.com", None, "deepseek-chat"), ("deepseek", "deepseek-chat", False)),
        (("openai", "127.0.0.1:8000", "gpt-4o", None), ("openai", "gpt-4o", False)),
    ],
)
def test_names_lead_to_a_price(names: tuple[str | None, ...], expected: tuple[str, str, bool]) -> None:
    found = match(*names)
    assert (found.price_provider, found.price_model, found.borrowed) == expected


@pytest.mark.parametrize(
    "provider", ["ollama", "vllm", None, "nobody", "my-openai-gateway", "openai-compatible:llm.internal"]
)
def test_a_provider_without_prices_matches_nothing(provider: str | None) -> None:
    assert match(provider, None, "gpt-4o", "gpt-4o") == Match()


def test_a_known_provider_with_an_unknown_model_is_told_from_an_unknown_provider() -> None:
    assert match("openai", None, "acme-7b", None) == Match("openai")
    assert match("azure.ai.openai", None, None, "gpt-4o") == Match("azure")


@pytest.mark.parametrize("provider", [provider for provider in PROVIDERS if provider.genai_id], ids=lambda p: p.name)
def test_every_provider_that_meter_names_is_one_of_the_catalogue(provider: object) -> None:
    assert getattr(provider, "genai_id", None) in {known.id for known in catalogue.snapshot().providers}


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("aws", "eu.anthropic.claude-opus-5", "Anthropic"),
        ("groq", "llama3-8b-8192", "Meta"),
        ("openrouter", "nvidia/llama-3.3-nemotron-super-49b", "NVIDIA"),
        ("groq", "deepseek-r1-distill-llama-70b", "DeepSeek"),
        ("together", "Qwen/Qwen3-VL-8B-Instruct", "Alibaba"),
        ("openai", "text-embedding-3-small", "OpenAI"),
        ("google", "claude-sonnet-4-5", "Anthropic"),
        ("openrouter", "stealth/crouton-alpha", None),
        ("fireworks", "ember-1", None),
    ],
)
def test_the_developer_is_who_made_the_model_not_who_sells_it(provider: str, model: str, expected: str | None) -> None:
    assert developer(provider, model) == expected


def test_most_models_have_a_developer() -> None:
    made_by = [developer(model.provider, model.model) for model in catalogue.compiled()]
    assert made_by.count(None) < len(made_by) / 8
