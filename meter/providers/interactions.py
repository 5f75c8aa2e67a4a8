"""Google's interactions: a wire of their own, whose usage names its totals as such. They may be made in the background."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from meter.providers.gemini import Json, Part
from meter.providers.model import Answer, Count, Dialect, Events

KINDS = ("audio", "image", "video", "document")


def prepare_interaction(usage: Json) -> Json:
    """Do what `prepare` does for the interactions' names."""
    flat = {name: count for name, count in usage.items() if type(count) is int}
    for side in ("input", "cached", "output"):
        for item in usage.get(f"{side}_tokens_by_modality") or ():
            kind = str(item.get("modality")).lower() if isinstance(item, dict) else ""
            if kind in KINDS and type(count := item.get("tokens")) is int:
                flat[f"{side}_{kind}"] = flat.get(f"{side}_{kind}", 0) + count
    for item in usage.get("grounding_tool_count") or ():
        if isinstance(item, dict) and item.get("type") == "google_search" and type(count := item.get("count")) is int:
            flat["google_searches"] = flat.get("google_searches", 0) + count
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
    error: Any = None


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
        Count("google_searches", "web_searches"),
    ),
    prepare=prepare_interaction,
    deferred="background",
    events=Events(
        event=Interaction,
        kind="event_type",
        answers=dict.fromkeys(("interaction.start", "interaction.created", *INTERACTION_ENDS), "interaction"),
        texts={"content.delta": ("delta.text",), "step.delta": ("delta.text",)},
        final=frozenset(INTERACTION_ENDS),
        errors={"error": "error.code"},
    ),
)

DECISIONS = replace(INTERACTIONS, api="gemini.decisions", paths=("/decisions",), events=None, deferred="")
