"""Voyage AI's embeddings and rerank, under `/voyage/v1`: its rerank has the path of another's."""

from __future__ import annotations

from meter.simulator.openai_chat import VECTOR
from meter.simulator.wire import Ask, Json, Reply, present

PIXELS = 1120
IMAGE_TOKENS = 2


def embeddings(ask: Ask) -> Reply:
    """Answer POST /embeddings."""
    return _list(ask, [_vector(at) for at in range(len(ask.body["input"]))])


def contextualized(ask: Ask) -> Reply:
    """Answer POST /contextualizedembeddings: a list for each document, with a vector for each of its pieces."""
    documents = ask.body["inputs"]
    return _list(ask, [{"object": "list", "data": [_vector(0)], "index": at} for at in range(len(documents))])


def multimodal(ask: Ask) -> Reply:
    """Answer POST /multimodalembeddings: images are counted in tokens, and in pixels, by which they are charged."""
    text = ask.counts.input
    data = [_vector(at) for at in range(len(ask.body["inputs"]))]
    return _list(ask, data, text_tokens=text, image_pixels=PIXELS, video_pixels=0, total_tokens=text + IMAGE_TOKENS)


def rerank(ask: Ask) -> Reply:
    """Answer POST /rerank."""
    return _list(ask, [{"index": at, "relevance_score": 1 / (at + 1)} for at in range(len(ask.body["documents"]))])


def _vector(at: int) -> Json:
    return {"object": "embedding", "embedding": list(VECTOR), "index": at}


def _list(ask: Ask, data: list[Json], **usage: int) -> Reply:
    stated = ask.stated(usage or {"total_tokens": ask.counts.input})
    return Reply(present({"object": "list", "data": data, "model": ask.model, "usage": stated}))
