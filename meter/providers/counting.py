"""A dialect's table of counts, turned into a shape and straight Python once: a call has no time to interpret a table. For

    Count("prompt_tokens", "input", {"cache_read": ("prompt_tokens_details.cached_tokens", "cached_tokens")})

the shape has the fields `prompt_tokens`, `prompt_tokens_details` (with `cached_tokens`) and `cached_tokens`, and the function is

    def classes(usage):
        found = {}
        total_0 = usage.prompt_tokens
        in_1 = usage.prompt_tokens_details or NOTHING_1
        part = in_1.cached_tokens
        if part is None: part = usage.cached_tokens
        if part is not None:
            found["cache_read"] = part
            total_0 -= part
        …

It answers None where the numbers do not add up; then `reading.Reader` takes its time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from meter.providers.model import Dialect

Shape = type[msgspec.Struct]
Classes = Callable[[Any], dict[str, int | float] | None]


def compiled(dialect: Dialect) -> tuple[Shape, Classes]:
    """Return the shape of a dialect's usage objects, and what reads their counts where nothing is odd about them."""
    paths = [dialect.total] if dialect.total else []
    for count in dialect.counts:
        paths += [count.path, *(path for places in count.parts.values() for path in places)]
    nested: dict[str, Shape] = {}
    fields: list[tuple[str, Any, Any]] = []
    for name in dict.fromkeys(path.partition(".")[0] for path in paths):
        inner = dict.fromkeys(path.partition(".")[2] for path in paths if path.startswith(f"{name}."))
        if inner:
            nested[name] = msgspec.defstruct(name, [(field, int | None, None) for field in inner])
        fields.append((name, nested[name] | None if inner else int | None, None))
    fields += [(path, str | None, None) for path in dialect.fields.values()]
    if dialect.iterations:
        fields.append((dialect.iterations, Any, None))
    return msgspec.defstruct("Usage", fields), _function(dialect, nested)


class _Source:
    """Lines of Python, and the nested objects they have looked up so far."""

    def __init__(self) -> None:
        self.lines = ["def classes(usage):", " found = {}"]
        self._nested: dict[str, str] = {}

    def add(self, *lines: str) -> None:
        self.lines += [f" {line}" for line in lines]

    def get(self, path: str) -> str:
        """Return an expression for what stands at a path of one or two names."""
        outer, _, inner = path.partition(".")
        if not inner:
            return f"usage.{outer}"
        if outer not in self._nested:
            self._nested[outer] = f"in_{outer}"
            self.add(f"in_{outer} = usage.{outer} or no_{outer}")
        return f"in_{outer}.{inner}"


def _function(dialect: Dialect, nested: dict[str, Shape]) -> Classes:
    source = _Source()
    totals = [f"total_{number}" for number in range(len(dialect.counts))]
    for total, count in zip(totals, dialect.counts, strict=True):
        source.add(f"{total} = {source.get(count.path)}")
    if dialect.total:
        missing = " or ".join(f"{total} is None" for total in totals)
        source.add(f"grand = {source.get(dialect.total)}", f"if {missing}: return None")
        source.add(f"if grand is not None and grand != {' + '.join(totals)}: return None")
    for total, count in zip(totals, dialect.counts, strict=True):
        for name, paths in count.parts.items():
            for number, path in enumerate(paths):
                value = source.get(path)
                source.add(f"part = {value}" if not number else f"if part is None: part = {value}")
            source.add("if part is not None:", f" found[{name!r}] = part", f" if {total} is None: return None")
            source.add(f" {total} -= part")
        source.add(f"if {total} is not None:", f" if {total} < 0: return None", f" found[{count.rest!r}] = {total}")
    source.add("return found")
    space: dict[str, Any] = {f"no_{name}": shape() for name, shape in nested.items()}
    exec("\n".join(source.lines), space)  # made from our own table, never from what comes over the wire
    classes: Classes = space["classes"]
    return classes
