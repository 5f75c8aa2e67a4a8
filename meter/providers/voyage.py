"""Voyage AI: embeddings and reranking, whose whole usage is input."""

from __future__ import annotations

from typing import Any

from meter.providers.model import Count, Dialect


def prepare(usage: dict[str, Any]) -> dict[str, Any]:
    """Tell images and videos from text: they are in the total as tokens, and are charged by the pixel."""
    text, total = usage.get("text_tokens"), usage.get("total_tokens")
    image, video = usage.get("image_pixels"), usage.get("video_pixels")
    if type(text) is not int or type(total) is not int:
        return usage
    seen = "video" if video and not image else "image"
    pixels = {"pixels": (image or 0) + (video or 0)} if image is not None or video is not None else {}
    return {**usage, **pixels, f"{seen}_tokens": max(0, total - text)}


COUNTS = (
    Count("total_tokens", "input", {"input_image": ("image_tokens",), "input_video": ("video_tokens",)}),
    Count("pixels", "pixels"),
)

EMBEDDINGS = Dialect(
    api="voyage.embeddings",
    operation="embeddings",
    paths=("/embeddings", "/multimodalembeddings", "/contextualizedembeddings"),
    counts=COUNTS,
    prepare=prepare,
    never=("output",),
    usage_at_end=True,
)

RERANK = Dialect(api="voyage.rerank", operation="rerank", paths=("/rerank",), counts=COUNTS[:1], never=("output",))
