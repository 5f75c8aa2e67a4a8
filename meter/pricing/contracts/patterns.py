"""Patterns: text in which * stands for any run of characters and ? for any one. Case is ignored."""

from __future__ import annotations

import re
from functools import lru_cache

WILD = "*?"


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in pattern.lower())
    return re.compile("".join(parts), re.DOTALL)


def fits(pattern: str, name: str) -> bool:
    """Tell whether the whole name fits."""
    return _compiled(pattern).fullmatch(name.lower()) is not None


def is_exact(pattern: str) -> bool:
    """Tell whether one name alone fits."""
    return not any(sign in pattern for sign in WILD)


def literals(pattern: str) -> int:
    """Return how many characters the pattern states."""
    return sum(sign not in WILD for sign in pattern)


def overlap(one: str, other: str) -> bool:
    """Tell whether some name fits both."""
    return _overlap(one.lower(), other.lower())


@lru_cache(maxsize=4096)
def _overlap(one: str, other: str) -> bool:
    if not one or not other:
        return not (one or other).strip("*")
    if one[0] == "*":
        return _overlap(one[1:], other) or _overlap(one, other[1:])
    if other[0] == "*":
        return _overlap(other, one)
    return (one[0] == other[0] or "?" in (one[0], other[0])) and _overlap(one[1:], other[1:])
