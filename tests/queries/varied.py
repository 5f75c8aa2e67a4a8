"""Calls of everything that savings, sizes and bounds depend on: tiers, caches, long input, aliases, other classes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from meter.ledger import Ledger
from tests.queries.sample import Recorded

FIRST = datetime(2026, 9, 20, tzinfo=timezone.utc)
MODELS = (
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("gcp.gemini", "gemini-2.5-pro"),
    ("groq", "whisper-large-v3"),
    ("openai", "gpt-9-mini"),
    ("openai", "nobody-knows-it"),
)
SIZES = (0, 1, 999, 1_000, 1_001, 8_000, 32_001, 128_000, 200_000, 200_001, 999_999, 1_000_001)


def calls(count: int = 300, seed: int = 7) -> Iterator[Recorded]:
    """Yield calls of two months and every kind of usage, the same for the same seed."""
    chosen = random.Random(seed)
    for _ in range(count):
        moment = FIRST + timedelta(minutes=chosen.randrange(60 * 24 * 40))
        provider, model = chosen.choice(MODELS)
        fields: dict[str, Any] = {"provider": provider, "request_model": model, "operation": "chat"}
        if tier := chosen.choice((None, None, None, "batch", "flex", "priority", "no-such-tier")):
            fields["tier"] = tier
        yield moment.isoformat(timespec="minutes")[:16], {**fields, "usage": _usage(chosen, model)}


def _usage(chosen: random.Random, model: str) -> dict[str, float]:
    if model.startswith("whisper"):
        return {"audio_seconds": chosen.choice((1, 9.5, 10, 61.25))}
    usage: dict[str, float] = {"input": chosen.choice(SIZES), "output": chosen.randrange(3000)}
    for name in (
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "cache_write",
        "reasoning",
        "input_audio",
        "web_searches",
    ):
        if chosen.random() < 0.2:
            usage[name] = chosen.randrange(1, 90_000 if name.startswith("cache") else 9)
    return usage


def dicts(ledger: Ledger, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Return the rows of a query by column name."""
    with ledger.reading() as connection:
        cursor = connection.execute(query, list(parameters))
        names = [str(name) for name, *_ in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
