"""Voyage AI: embeddings and reranking, whose whole usage is input."""

from __future__ import annotations

from meter.providers.model import Count, Dialect

COUNTS = (Count("total_tokens", "input"), Count("image_pixels", "pixels"))

EMBEDDINGS = Dialect(
    api="voyage.embeddings",
    operation="embeddings",
    paths=("/embeddings", "/multimodalembeddings", "/contextualizedembeddings"),
    counts=COUNTS,
    never=("output",),
    usage_at_end=True,
)

RERANK = Dialect(api="voyage.rerank", operation="rerank", paths=("/rerank",), counts=COUNTS, never=("output",))
