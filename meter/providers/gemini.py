"""Google's own wire, spoken by the Gemini API and by Vertex AI.

`promptTokenCount` includes what was read from a cache; a tool's prompts and the thoughts stand beside the two totals, except
where the grand total shows that the candidates include the thoughts. Modalities are lists. In a stream every chunk repeats the
usage so far, and the prompt's count in early chunks is an estimate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events
from meter.providers.reading import look

Json = dict[str, Any]


class Part(msgspec.Struct):
    """A piece of an answer."""

    text: Any = None


class Content(msgspec.Struct):
    """An answer's pieces."""

    parts: list[Part] | None = None


class Grounding(msgspec.Struct, rename="camel"):
    """What an answer rests on."""

    web_search_queries: list[Any] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    """One of the answers asked for."""

    content: Content | None = None
    finish_reason: Any = None
    grounding_metadata: Grounding | None = None

    @property
    def text(self) -> str:
        """All text of the piece."""
        parts = self.content.parts if self.content else None
        return "".join(part.text for part in parts or () if isinstance(part.text, str))


class Generated(
    Answer,
    rename={"id": "responseId", "model": "modelVersion", "usage": "usageMetadata", "service_tier": "serviceTier"},
):
    """An answer, or a chunk of one."""

    id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: Any = None
    candidates: list[Candidate] | None = None


MODALITIES = {
    "AUDIO": "audio",
    "IMAGE": "image",
    "VIDEO": "video",
    "DOCUMENT": "document",
    4: "audio",
    2: "image",
    3: "video",
    5: "document",  # some of Google's servers write the enum's number
}
OF_PROMPT = ("promptTokensDetails", "promptTokenDetails")


def by_modality(usage: Json, *names: str) -> dict[str, int]:
    """Return the counts of a list by modality, without text."""
    found: dict[str, int] = {}
    listed = next((usage[name] for name in names if isinstance(usage.get(name), list)), ())
    for item in listed:
        kind = MODALITIES.get(item.get("modality")) if isinstance(item, dict) else None
        count = item.get("tokenCount", 0) if kind else 0
        if kind and type(count) is int:
            found[kind] = found.get(kind, 0) + count
    return found


def prepare(usage: Json) -> Json:
    """Return the counts with one field for each modality, and candidates without thoughts."""
    flat = {name: count for name, count in usage.items() if type(count) is int}
    cached = by_modality(usage, "cacheTokensDetails")
    for kind, count in by_modality(usage, *OF_PROMPT).items():
        flat[f"prompt_{kind}"] = max(count - cached.get(kind, 0), 0)
    for kind, count in cached.items():
        if kind != "document":
            flat[f"cached_{kind}"] = count
            flat["cachedContentTokenCount"] = flat.get("cachedContentTokenCount", count) - count
    for kind, count in by_modality(usage, "candidatesTokensDetails").items():
        flat[f"candidates_{kind}"] = count
    thoughts, candidates = flat.get("thoughtsTokenCount"), flat.get("candidatesTokenCount")
    beside = flat.get("promptTokenCount", 0) + flat.get("toolUsePromptTokenCount", 0)
    if candidates is None and beside and beside + (thoughts or 0) == flat.get("totalTokenCount"):
        flat["candidatesTokenCount"] = 0  # left out where nothing was generated
    if thoughts and candidates is not None and beside + candidates == flat.get("totalTokenCount"):
        flat["candidatesTokenCount"] = max(candidates - thoughts, 0)
    return flat


def executed(answer: Any) -> dict[str, int]:
    """Count searches: one for each grounded answer, and from Gemini 3 on one for each query that was made."""
    queries = {
        str(query)
        for candidate in look(answer, "candidates") or ()
        for query in look(look(candidate, "grounding_metadata"), "web_search_queries") or ()
    }
    if not queries:
        return {}
    return {"web_searches": len(queries) if str(look(answer, "model")).startswith(BY_QUERY) else 1}


BY_QUERY = ("gemini-3", "models/gemini-3")

PROMPT = Count(
    "promptTokenCount",
    "input",
    {
        "cache_read": ("cachedContentTokenCount",),
        "cache_read_audio": ("cached_audio",),
        "cache_read_image": ("cached_image",),
        "cache_read_video": ("cached_video",),
        "input_audio": ("prompt_audio",),
        "input_image": ("prompt_image",),
        "input_video": ("prompt_video",),
        "input_document": ("prompt_document",),
    },
)

MODEL = r"(?:^|/)models/(?P<model>[^/:]+):"

GENERATE = Dialect(
    api="gemini.generate_content",
    operation="generate_content",
    paths=(":generateContent", ":streamGenerateContent"),
    model=MODEL,
    counts=(
        PROMPT,
        Count("toolUsePromptTokenCount", "input_tool"),
        Count(
            "candidatesTokenCount",
            "output",
            {
                "output_audio": ("candidates_audio",),
                "output_image": ("candidates_image",),
                "output_video": ("candidates_video",),
            },
        ),
        Count("thoughtsTokenCount", "reasoning"),
    ),
    prepare=prepare,
    answer=Generated,
    executed=executed,
    events=Events(event=Generated, answers={"": ""}, items="candidates", texts={"": ("text",)}),
)

EMBED = Dialect(
    api="gemini.embed_content",
    operation="embeddings",
    paths=(":embedContent", ":batchEmbedContents"),
    model=MODEL,
    counts=(PROMPT,),
    prepare=prepare,
    answer=Generated,
    never=("output",),
    usage_at_end=True,
)


class Embedded(Answer, rename={"usage": "usageMetadata", "token_count": "tokenCount"}):
    """One embedding of a batch, which may state its tokens as a mere number."""

    usage: Any = None
    token_count: Any = None

    def stated(self) -> Any:
        """Return the usage object, or one made of the number."""
        if self.usage is None and self.token_count is not None:
            return {"promptTokenCount": int(self.token_count)}
        return self.usage


BATCH_EMBED = replace(EMBED, answer=Embedded, usage_at_end=False)


class Statistics(msgspec.Struct):
    """How much text an embedding was made from."""

    token_count: int | None = None


class Embedding(msgspec.Struct):
    """One embedding."""

    statistics: Statistics | None = None


class Prediction(msgspec.Struct):
    """One of the answers to a batch of texts."""

    embeddings: Embedding | None = None


class Predicted(Answer):
    """What Vertex AI's older interface answers."""

    predictions: list[Prediction] | None = None

    def stated(self) -> Any:
        """Return the sum over all texts."""
        found = [one.embeddings.statistics for one in self.predictions or () if one.embeddings]
        counts = [one.token_count for one in found if one and one.token_count is not None]
        return {"token_count": sum(counts)} if counts else None


PREDICT = Dialect(
    api="gemini.predict",
    operation="embeddings",
    paths=(":predict",),
    model=MODEL,
    counts=(Count("token_count", "input"),),
    answer=Predicted,
    never=("output",),
)


class Cached(Answer, rename={"usage": "usageMetadata"}):
    """What was put into a cache for later calls."""

    usage: Any = None


CACHED_CONTENTS = Dialect(
    api="gemini.cached_contents",
    operation="create_cache",
    paths=("/cachedContents",),
    counts=(Count("totalTokenCount", "cache_write"),),
    answer=Cached,
)

KINDS = ("audio", "image", "video", "document")


def prepare_interaction(usage: Json) -> Json:
    """Do what `prepare` does for the interactions' names."""
    flat = {name: count for name, count in usage.items() if type(count) is int}
    for side in ("input", "cached", "output"):
        for item in usage.get(f"{side}_tokens_by_modality") or ():
            kind = str(item.get("modality")).lower() if isinstance(item, dict) else ""
            if kind in KINDS and type(count := item.get("tokens")) is int:
                flat[f"{side}_{kind}"] = flat.get(f"{side}_{kind}", 0) + count
    for kind in KINDS[:3]:
        if cached := flat.get(f"cached_{kind}"):
            flat["total_cached_tokens"] = flat.get("total_cached_tokens", cached) - cached
            flat[f"input_{kind}"] = max(flat.get(f"input_{kind}", cached) - cached, 0)
    return flat


class Interaction(msgspec.Struct):
    """One event of a streamed interaction."""

    event_type: Any = None
    interaction: Answer | None = None
    delta: Part | None = None

    @property
    def type(self) -> Any:
        """Its kind, under the name that other wires use."""
        return self.event_type


INTERACTION_ENDS = ("interaction.complete", "interaction.completed")

INTERACTIONS = Dialect(
    api="gemini.interactions",
    operation="generate_content",
    paths=("/interactions",),
    counts=(
        Count(
            "total_input_tokens",
            "input",
            {
                "cache_read": ("total_cached_tokens",),
                "cache_read_audio": ("cached_audio",),
                "cache_read_image": ("cached_image",),
                "cache_read_video": ("cached_video",),
                "input_audio": ("input_audio",),
                "input_image": ("input_image",),
                "input_video": ("input_video",),
                "input_document": ("input_document",),
            },
        ),
        Count("total_tool_use_tokens", "input_tool"),
        Count(
            "total_output_tokens",
            "output",
            {"output_audio": ("output_audio",), "output_image": ("output_image",), "output_video": ("output_video",)},
        ),
        Count("total_thought_tokens", "reasoning"),
    ),
    prepare=prepare_interaction,
    deferred="background",
    events=Events(
        event=Interaction,
        answers=dict.fromkeys(("interaction.start", "interaction.created", *INTERACTION_ENDS), "interaction"),
        texts={"content.delta": ("delta.text",), "step.delta": ("delta.text",)},
        final=frozenset(INTERACTION_ENDS),
    ),
)
