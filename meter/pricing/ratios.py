"""Tokens per character by model family, from ratios.toml. Division happens here, so that SQL only multiplies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from meter import settings

_PLACES = Decimal("1e-12")


def family(model: str | None) -> str:
    """Return the name of the first family that the model fits; the last fits any."""
    name = (model or "").lower()
    return next(str(entry["name"]) for entry in families() if any(fnmatchcase(name, glob) for glob in entry["models"]))


def rows() -> list[dict[str, str | None]]:
    """Return every dated ratio in tokens per character; an entry holds until the next one of its family."""
    return [
        {
            "family": entry["name"],
            "valid_from": _midnight(ratio),
            "valid_to": _midnight(following) if following else None,
            "likely": _tokens_per_char(ratio["likely"]),
            "low": _tokens_per_char(ratio["for_low"]),
            "high": _tokens_per_char(ratio["for_high"]),
        }
        for entry in families()
        for ratio, following in pairwise([*entry["ratio"], None])
    ]


@lru_cache(maxsize=1)
def families() -> list[dict[str, Any]]:
    """Read ratios.toml once."""
    entries: list[dict[str, Any]] = settings.load_toml(Path(__file__).with_name("ratios.toml"))["family"]
    return entries


def _midnight(ratio: dict[str, Any]) -> str | None:
    day: date | None = ratio.get("valid_from")
    return f"{day.isoformat()}T00:00:00Z" if day else None


def _tokens_per_char(chars_per_token: str) -> str:
    return f"{(1 / Decimal(chars_per_token)).quantize(_PLACES):f}"
