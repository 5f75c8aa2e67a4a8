"""Replicate: what a prediction took stands in its metrics. Models that count tokens or images say so; others are charged by time.

A prediction may go on after the reply to its request. `waits` is set on the request once the reply shows that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from meter.providers.model import Answer, Count, Dialect

OVER = ("succeeded", "failed", "canceled", "aborted")
"""States in which nothing changes any more."""


class Prediction(Answer, rename={"usage": "metrics"}):
    """A prediction."""

    usage: Any = None


class State(msgspec.Struct):
    """How a prediction stands."""

    id: str = ""
    status: str = ""
    created_at: datetime | None = None


def prepare(metrics: dict[str, Any]) -> dict[str, Any]:
    """Count the prediction itself: many models state nothing but a time."""
    return {**metrics, "requests": 1}


PREDICTIONS = Dialect(
    api="replicate.predictions",
    operation="generate_content",
    paths=("/predictions",),
    counts=(
        Count("input_token_count", "input"),
        Count("output_token_count", "output"),
        Count("image_count", "images"),
        Count("requests", "requests"),
    ),
    prepare=prepare,
    answer=Prediction,
    deferred="waits",
)

decode_state = msgspec.json.Decoder(State).decode
