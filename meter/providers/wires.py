"""Which wires a provider speaks, for calls whose address is all that is known of them."""

from __future__ import annotations

import functools
import re
from urllib.parse import unquote

from meter.providers import (
    ai21,
    alephalpha,
    audio,
    bedrock,
    chat,
    cohere,
    gemini,
    groq,
    images,
    interactions,
    messages,
    mistral,
    ollama,
    openrouter,
    perplexity,
    replicate,
    responses,
    together,
    voyage,
    watsonx,
    writer,
    xai,
)
from meter.providers.model import Dialect

OPENAI = (
    chat.CHAT,
    chat.COMPLETIONS,
    chat.EMBEDDINGS,
    responses.RESPONSES,
    images.IMAGES,
    images.MODERATIONS,
    audio.TRANSCRIPTIONS,
    audio.SPEECH,
)
ANTHROPIC = (messages.MESSAGES, messages.COMPLETE)
GOOGLE = (
    gemini.GENERATE,
    gemini.EMBED,
    gemini.PREDICT,
    gemini.CACHED_CONTENTS,
    interactions.INTERACTIONS,
    interactions.DECISIONS,
)

WIRES: dict[str, tuple[Dialect, ...]] = {
    "gcp.gemini": (*GOOGLE, *OPENAI),
    "gcp.vertex_ai": (*GOOGLE, *OPENAI),
    "aws.bedrock": (bedrock.CONVERSE, bedrock.INVOKE, *OPENAI, *ANTHROPIC),
    "cohere": cohere.DIALECTS,
    "ollama": (*ollama.DIALECTS, *OPENAI),
    "mistral_ai": (*mistral.DIALECTS, *OPENAI),
    "perplexity": perplexity.DIALECTS,
    "groq": groq.DIALECTS,
    "openrouter": openrouter.DIALECTS,
    "together": together.DIALECTS,
    "x_ai": xai.DIALECTS,
    "writer": writer.DIALECTS,
    "voyage": (voyage.EMBEDDINGS, voyage.RERANK),
    "ibm.watsonx.ai": watsonx.DIALECTS,
    "alephalpha": (alephalpha.COMPLETE,),
    "ai21": ai21.DIALECTS,
    "replicate": (replicate.PREDICTIONS,),
}
"""Providers that speak more than OpenAI's and Anthropic's wires, or others; the first whose path fits counts."""


@functools.lru_cache(1024)
def find(provider: str, method: str, path: str) -> Dialect | None:
    """Return the wire that a request speaks, or None if it is no call. The longest ending that fits counts."""
    if method.upper() != "POST":
        return None
    whole = "/" + path.partition("?")[0].strip("/")
    best: tuple[int, Dialect | None] = (0, None)
    for dialect in WIRES.get(provider, (*OPENAI, *ANTHROPIC)):
        for ending in dialect.paths:
            if len(ending) > best[0] and whole.endswith(ending):
                best = (len(ending), dialect)
    return best[1]


def model_in(dialect: Dialect, path: str) -> str | None:
    """Return the model that a path names, where the wire puts it there."""
    if "(?P<model>" not in dialect.model:
        return None
    found = re.search(dialect.model, path)
    return unquote(found["model"]) if found else None
