"""What the corpus states of a call, and what Meter recorded, in the same words: two dicts that must be equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meter.names import INPUT_CLASSES, OUTPUT_CLASSES
from tests.providers import corpus

CLASSES = {
    "cache_read_tokens": ("cache_read", "cache_read_audio", "cache_read_image", "cache_read_video"),
    "cache_write_tokens": ("cache_write", "cache_write_5m", "cache_write_1h"),
    "cache_write_5m": ("cache_write_5m",),
    "cache_write_1h": ("cache_write_1h",),
    "reasoning_tokens": ("reasoning",),
    "input_audio_tokens": ("input_audio", "cache_read_audio"),
    "output_audio_tokens": ("output_audio",),
    "input_image_tokens": ("input_image", "cache_read_image"),
    "output_image_tokens": ("output_image",),
    "web_search_requests": ("web_searches",),
}
"""The corpus' word → Meter's classes that add up to it."""

COLUMNS = {
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cache_write_5m": "cache_write_5m_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "reasoning_tokens": "reasoning_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
}
"""The corpus' word → the column of the view `calls`."""

Statement = dict[str, Any]


UNFINISHED = frozenset({"error_in_stream", "stream_unfinished", "error_body_with_status_200"})


def _fit(counts: dict[str, Any], wire: str) -> None:
    """Fit parts that exceed what they are part of (a preamble that is counted as cached only): classes add up to the totals.

    Only Gemini tells which of its images were cached; elsewhere the two may overlap.
    """
    left = counts.get("input_tokens")
    for name in ("cache_read_tokens", *(() if wire.startswith("gemini") else ("input_image_tokens",))):
        if left is not None and (count := counts.get(name)) is not None:
            counts[name] = min(count, left)
            left -= counts[name]
    if (reasoning := counts.get("reasoning_tokens")) is not None and counts.get("output_tokens") is not None:
        counts["reasoning_tokens"] = min(reasoning, counts["output_tokens"])


def expected(record: corpus.Record) -> Statement:
    """Return what the corpus states."""
    usage = record["usage"] or {}
    reported = bool(usage.get("usage_reported"))
    counts = {name: usage.get(name) for name in ("input_tokens", "output_tokens", *CLASSES)} if reported else {}
    _fit(counts, record["wire"])
    return {
        "model": usage.get("model") if record["status"] < 400 else record["model_requested"],
        "response_id": corpus.ids(record) if record["status"] < 400 else None,
        "ok": record["status"] < 400 and UNFINISHED.isdisjoint(record["tags"]),
        "stream": bool(record["streaming"]),
        "source": "reported" if reported else "missing",
        **{name: count for name, count in counts.items() if count is not None},
        "side": sorted(
            (
                side["type"],
                side["input_tokens"],
                side["output_tokens"],
                side["cache_read_tokens"],
                side["cache_write_tokens"],
            )
            for side in usage.get("side_usage") or ()
        ),
    }


def recorded(line: Mapping[str, Any], sides: Sequence[Mapping[str, Any]]) -> Statement:
    """Return what a line of the spool says, with the lines of its side passes; counts that are the request's own left out."""
    is_stated = line.get("raw") is not None
    usage = (line.get("usage") or {}) if is_stated else {}
    return {
        "model": line.get("response_model") or line.get("request_model"),
        "response_id": line.get("response_id"),
        "ok": line["status"] == "ok",
        "stream": bool(line.get("stream")),
        "source": line["source"] if is_stated else "missing",
        **_counts(usage),
        "side": sorted(
            (side["raw"]["type"], *(total(side["usage"], classes) for classes in SIDE_CLASSES)) for side in sides
        ),
    }


SIDE_CLASSES = (INPUT_CLASSES, OUTPUT_CLASSES, CLASSES["cache_read_tokens"], CLASSES["cache_write_tokens"])


def row(found: Mapping[str, Any]) -> Statement:
    """Return what a row of the view `calls` says; its side passes are rows of their own."""
    counts = {name: found[column] for name, column in COLUMNS.items() if found[column] is not None}
    totals = {name: found[name] for name in ("input_tokens", "output_tokens") if found[name] is not None}
    return {
        "model": found["response_model"] or found["request_model"],
        "response_id": found["response_id"],
        "ok": found["status"] == "ok",
        "stream": bool(found["stream"]),
        "source": found["usage_source"],
        **totals,
        **counts,
    }


def _counts(usage: Mapping[str, float]) -> dict[str, float]:
    sides = {"input_tokens": INPUT_CLASSES, "output_tokens": OUTPUT_CLASSES}
    found = {name: total(usage, classes) for name, classes in {**sides, **CLASSES}.items()}
    return {name: count for name, count in found.items() if count is not None}


def total(usage: Mapping[str, float], classes: Any) -> float | None:
    """Return the sum of the classes that are there, None if there is none."""
    there = [usage[name] for name in classes if name in usage]
    return sum(there) if there else None
