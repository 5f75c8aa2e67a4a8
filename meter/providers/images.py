"""OpenAI's images. Older models state no usage: those are billed by the image, which the request tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect, Events


class Event(Answer):
    """One event of a streamed image."""

    type: Any = None


def images(request: Mapping[str, Any]) -> dict[str, int]:
    """Return how many images were asked for."""
    count = request.get("n")
    return {"images": count if type(count) is int else 1}


ENDS = ("image_generation.completed", "image_edit.completed")

IMAGES = Dialect(
    api="openai.images",
    operation="image_generation",
    paths=("/images/generations", "/images/edits", "/images/variations"),
    counts=(
        Count("input_tokens", "input", {"input_image": ("input_tokens_details.image_tokens",)}),
        Count("output_tokens", "output", {"output_image": ("output_tokens_details.image_tokens",)}),
    ),
    total="total_tokens",
    asked=images,
    usage_at_end=True,
    events=Events(event=Event, answers=dict.fromkeys(ENDS, ""), texts={}, final=frozenset(ENDS)),
)


class Decision(msgspec.Struct):
    """Of what comes back from a moderation nothing matters."""


MODERATIONS = Dialect(
    api="openai.moderations", operation="moderation", paths=("/moderations",), never=("input", "output"), is_free=True
)
"""Free of charge, and without usage."""
