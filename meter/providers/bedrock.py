"""Amazon Bedrock's wires: Converse, the same for every model, and InvokeModel, where each family keeps the shape it has at home.

Bedrock leaves what was read from or written to a cache out of the input, like Anthropic; the OpenAI family includes it. The
counts of InvokeModel are in the headers of a plain answer too, under one set of names.
"""

from __future__ import annotations

from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events

Json = dict[str, Any]

MODEL = r"/model/(?P<model>[^/]+)/"


def lifetimes(usage: Json) -> Json:
    """Return a usage object of Converse with its cache writes by time to live as fields."""
    flat = dict(usage)
    for item in usage.get("cacheDetails") or ():
        if isinstance(item, dict) and type(count := item.get("inputTokens")) is int:
            name = f"cacheWrite_{item.get('ttl')}"
            flat[name] = flat.get(name, 0) + count
    return flat


class Delta(msgspec.Struct):
    """What an event adds."""

    text: Any = None


class ConverseEvent(Answer):
    """One event of a stream; of which kind, its frame says, and we note it here."""

    type: Any = None
    delta: Delta | None = None


CONVERSE = Dialect(
    api="bedrock.converse",
    operation="chat",
    paths=("/converse", "/converse-stream"),
    model=MODEL,
    counts=(
        Count("inputTokens", "input"),
        Count("cacheReadInputTokens", "cache_read"),
        Count(
            "cacheWriteInputTokens",
            "cache_write",
            {"cache_write_5m": ("cacheWrite_5m",), "cache_write_1h": ("cacheWrite_1h",)},
        ),
        Count("outputTokens", "output"),
    ),
    prepare=lifetimes,
    events=Events(
        event=ConverseEvent,
        answers={"metadata": ""},
        texts={"contentBlockDelta": ("delta.text",)},
        final=frozenset({"metadata"}),
    ),
)


class Result(msgspec.Struct, rename="camel"):
    """One of Titan's answers."""

    token_count: int | None = None


class Start(msgspec.Struct):
    """The answer as Anthropic's stream begins it."""

    id: Any = None
    model: Any = None
    usage: Json | None = None


class Inner(msgspec.Struct):
    """Where Nova's stream keeps its last word."""

    usage: Json | None = None


METRICS = "amazon-bedrock-invocationMetrics"

LOOSE = {
    "prompt_token_count": "prompt_token_count",
    "generation_token_count": "generation_token_count",
    "input_text_token_count": "inputTextTokenCount",
    "total_output_text_token_count": "totalOutputTextTokenCount",
}
"""Counts that lie in the answer itself: Llama's, Titan's, which writes them with a point."""


class Invoked(Answer, rename={**LOOSE, "model": "modelId", "metrics": METRICS, "output_text": "outputText"}):
    """An answer of any family, or an event of its stream. The name that some families give their model is not Bedrock's."""

    model: str | None = None
    type: Any = None
    message: Start | None = None
    metadata: Inner | None = None
    metrics: Json | None = None
    prompt_token_count: int | None = None
    generation_token_count: int | None = None
    input_text_token_count: float | None = None
    total_output_text_token_count: float | None = None
    results: list[Result] | None = None

    delta: Delta | None = None
    generation: Any = None
    output_text: Any = None

    @property
    def text(self) -> Any:
        """The piece of text, whatever the family calls it."""
        return (self.delta and self.delta.text) or self.generation or self.output_text

    @property
    def pieces(self) -> list[Invoked]:
        """The piece that this event adds; the last one, which has the metrics, adds none."""
        return [] if self.metrics is not None else [self]

    def stated(self) -> Any:
        """Return the counts of whatever family it is."""
        if isinstance(self.usage, dict):
            return self.usage
        for holder in (self.message, self.metadata):
            if holder is not None and holder.usage is not None:
                return holder.usage
        found = {wire: int(count) for name, wire in LOOSE.items() if (count := getattr(self, name)) is not None}
        results = [one.token_count for one in self.results or () if one.token_count is not None]
        if results:
            found["totalOutputTextTokenCount"] = sum(results)
        return found or self.metrics


NAMES: dict[str, tuple[str, ...]] = {
    "input": (
        *("input_tokens", "inputTokens", "prompt_token_count", "inputTextTokenCount", "inputTokenCount"),
        "prompt_tokens",
    ),
    "output": (
        *("output_tokens", "outputTokens", "generation_token_count", "totalOutputTextTokenCount", "outputTokenCount"),
        "completion_tokens",
    ),
    "cache_read": ("cache_read_input_tokens", "cacheReadInputTokens", "cacheReadInputTokenCount"),
    "cache_write": ("cache_creation_input_tokens", "cacheWriteInputTokens", "cacheWriteInputTokenCount"),
}
"""Class → the names that the families have for it."""


def one_shape(usage: Json) -> Json:
    """Return the counts under one set of names."""
    flat: Json = {}
    for name, wires in NAMES.items():
        for wire in wires:
            if (count := usage.get(wire)) is not None:
                flat[name] = count
                break
    for name in ("prompt_tokens_details", "completion_tokens_details", "output_tokens_details"):
        if isinstance(details := usage.get(name), dict):
            flat[name] = details
    split = usage.get("cache_creation")
    if "input" in flat and "output" not in flat:
        flat["output"] = 0  # an embedding: where there is output its count is stated, in the headers at least
    if isinstance(split, dict):
        flat["cache_5m"], flat["cache_1h"] = (
            split.get("ephemeral_5m_input_tokens"),
            split.get("ephemeral_1h_input_tokens"),
        )
    return flat


INVOKE = Dialect(
    api="bedrock.invoke_model",
    operation="chat",
    paths=("/invoke", "/invoke-with-response-stream"),
    model=MODEL,
    counts=(
        Count("input", "input", {"cache_read": ("prompt_tokens_details.cached_tokens",)}),
        Count("cache_read", "cache_read"),
        Count("cache_write", "cache_write", {"cache_write_5m": ("cache_5m",), "cache_write_1h": ("cache_1h",)}),
        Count(
            "output",
            "output",
            {"reasoning": ("completion_tokens_details.reasoning_tokens", "output_tokens_details.thinking_tokens")},
        ),
    ),
    prepare=one_shape,
    answer=Invoked,
    headers={
        "x-amzn-bedrock-input-token-count": "inputTokenCount",
        "x-amzn-bedrock-output-token-count": "outputTokenCount",
        "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokenCount",
        "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokenCount",
    },
    placeholder=("output", "reasoning"),
    events=Events(event=Invoked, answers={"": ""}, items="pieces", texts={"": ("text",)}),
)
