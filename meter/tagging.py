"""What a tag may be, wherever it comes from: text, not too long, and not too many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meter import guard

MAX_TAGS = 32
MAX_KEY = 64
MAX_VALUE = 256


def bounded(pairs: Mapping[str, Any]) -> dict[str, str]:
    """Return the pairs as tags: text only, within the limits, storable as UTF-8."""
    result: dict[str, str] = {}
    for key, value in pairs.items():
        if value is None:
            continue
        with guard.shield("tags.value"):
            name, text = str(key), value if isinstance(value, str) else str(value)
            if len(name) > MAX_KEY or len(text) > MAX_VALUE or len(result) >= MAX_TAGS:
                guard.note("tags.cut")
                name, text = name[:MAX_KEY], text[:MAX_VALUE]
            if len(result) < MAX_TAGS:
                result[storable(name)] = storable(text)
    return result


def storable(text: str) -> str:
    """Return text that UTF-8 can hold: a lone surrogate becomes a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
