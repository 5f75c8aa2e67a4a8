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

SPOKEN = {"responseTokenCount": "candidatesTokenCount", "responseTokensDetails": "candidatesTokensDetails"}
"""Names of a Live session → those of all else."""


def prepare_spoken(usage: Json) -> Json:
    """Do what `prepare` does for a turn of a Live session: its total leaves out the thoughts, which lie beside the rest."""
    return prepare({SPOKEN.get(name, name): found for name, found in usage.items() if name != "totalTokenCount"})


LIVE = replace(GENERATE, api="gemini.live", paths=(), prepare=prepare_spoken, events=None)

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
