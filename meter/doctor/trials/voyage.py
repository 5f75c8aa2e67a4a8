"""Voyage AI's SDK."""

from __future__ import annotations

import inspect
from typing import Any

from meter.doctor.trials.trial import Trial, needed

SDK = "voyageai"
EMBED: dict[str, Any] = {"texts": ["ping"], "model": "voyage-3"}
RERANK: dict[str, Any] = {"query": "ping", "documents": ["ping", "pong"], "model": "rerank-2"}
INPUT = {"input": 11}


def client(url: str, kind: str = "Client", **more: Any) -> Any:
    """Return a client of the simulator. Early versions have one address for all."""
    import voyageai

    made, address = getattr(voyageai, kind), f"{url}/voyage/v1"
    if "base_url" in inspect.signature(made).parameters:
        more["base_url"] = address
    else:
        voyageai.api_base = address
    return made(**{"api_key": "sim", **more})


def async_client(url: str) -> Any:
    """Return an asynchronous client of the simulator."""
    return client(url, "AsyncClient")


def embed(url: str) -> Any:
    """An embedding."""
    found = client(url).embed(**EMBED)
    return [found.embeddings, found.total_tokens]


async def embed_async(url: str) -> Any:
    """An asynchronous embedding."""
    found = await async_client(url).embed(**EMBED)
    return [found.embeddings, found.total_tokens]


def contextualized(url: str) -> Any:
    """An embedding of pieces in their document's light."""
    found = needed(client(url), "contextualized_embed")(inputs=[["ping", "pong"]], model="voyage-context-3")
    return [found.results, found.total_tokens]


def multimodal(url: str) -> Any:
    """An embedding of a text with an image."""
    from PIL import Image

    found = client(url).multimodal_embed([["ping", Image.new("RGB", (40, 28))]], model="voyage-multimodal-3")
    return [found.embeddings, found.total_tokens]


def rerank(url: str) -> Any:
    """A rerank."""
    found = client(url).rerank(**RERANK)
    return [found.results, found.total_tokens]


async def rerank_async(url: str) -> Any:
    """An asynchronous rerank."""
    found = await async_client(url).rerank(**RERANK)
    return [found.results, found.total_tokens]


TRIALS = (
    Trial(SDK, "embed", embed, INPUT),
    Trial(SDK, "embed, async", embed_async, INPUT),
    Trial(SDK, "embed with context", contextualized, INPUT),
    Trial(SDK, "embed, multimodal", multimodal, {"input": 11, "input_image": 2, "pixels": 1120}),
    Trial(SDK, "rerank", rerank, INPUT),
    Trial(SDK, "rerank, async", rerank_async, INPUT),
)
