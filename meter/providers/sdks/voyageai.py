"""Voyage AI's SDK."""

from __future__ import annotations

from meter.providers.model import Provider
from meter.providers.voyage import EMBEDDINGS, RERANK

PROVIDER = Provider(
    name="voyage",
    package="voyageai",
    family="voyage",
    modules=("voyageai.api_resources.api_requestor",),
    dialects=(EMBEDDINGS, RERANK),
    tested=("0.3.5", "0.5.0"),
)
