"""Where a key stands in a TOML file: parsers tell what it says, not on which line."""

from __future__ import annotations

import re
from collections.abc import Iterator

_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")


def line_of(text: str, *keys: str) -> int | None:
    """Return the number of the line where the key stands, given from the outermost table inwards.

    Where the file has it in no line of its own (inside a value), the line of the longest beginning of it that has one.
    """
    best, depth = None, 0
    for number, place in _places(text):
        common = sum(1 for _ in _common(place, keys))
        if common > depth and (common == len(keys) or common == len(place)):
            best, depth = number, common
        elif common > depth and best is None:
            best = number
    return best


def _common(place: tuple[str, ...], keys: tuple[str, ...]) -> Iterator[str]:
    for one, other in zip(place, keys, strict=False):
        if one != other:
            return
        yield one


def _places(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield each line that a table or a key begins on, with the keys that lead there."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, *_parts(key[1]))


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(
        next(part for part in match.groups("") if part) for match in _PART.finditer(dotted) if any(match.groups())
    )
