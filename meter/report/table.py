"""A result as text for people: what each column is decides how its cells look. Rendering is the command line's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from meter.report import numbers


@dataclass
class Result:
    """Columns with DuckDB's types, and rows that may be read once."""

    columns: Sequence[str]
    types: Sequence[str]
    rows: Iterable[Sequence[Any]]
    title: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Column:
    """One column's name, side and way of writing a value; `grouped` writes thousands apart, for eyes only."""

    name: str
    right: bool
    write: Callable[[Any, bool], str]


def columns(result: Result) -> list[Column]:
    """Return how each column of a result is written."""
    return [_column(name, kind) for name, kind in zip(result.columns, result.types, strict=True)]


def cells(result: Result, grouped: bool) -> list[list[str]]:
    """Return every row as text."""
    writers = [column.write for column in columns(result)]
    return [[write(value, grouped) for write, value in zip(writers, row, strict=True)] for row in result.rows]


COUNTED = ("tokens", "calls", "quantity", "bytes", "lines", "outcomes", "requests")
SHARES = ("share", "coverage")
NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)


def _column(name: str, kind: str) -> Column:
    last = name.rpartition("_")[2].lower()
    decimal, number = kind.startswith("DECIMAL"), kind in NUMBERS
    if last in SHARES and (decimal or kind in ("DOUBLE", "FLOAT")):
        return Column(name, True, lambda value, _: numbers.share(value))
    if decimal and kind.endswith((",6)", ",0)")):  # counts may be fractional seconds; money has 12 places
        return Column(name, True, lambda value, grouped: numbers.count(value, "," if grouped else ""))
    if decimal:
        return Column(name, True, lambda value, grouped: numbers.money(value, "," if grouped else ""))
    if number:
        group = "," if last in COUNTED else ""
        return Column(name, True, lambda value, grouped: numbers.count(value, group if grouped else ""))
    return Column(name, kind in ("DOUBLE", "FLOAT"), lambda value, _: text(value))


def text(value: Any) -> str:
    """Return a value that is neither money nor a count."""
    if value is None:
        return numbers.UNKNOWN
    if isinstance(value, str):
        return _one_line(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds" if not value.microsecond else "milliseconds")
    if isinstance(value, Mapping):
        return ", ".join(f"{_one_line(str(key))}={text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value)
    if isinstance(value, Decimal):
        return numbers.count(value, "")
    return _one_line(str(value))


def _one_line(words: str) -> str:
    """Keep a cell on its line, and a terminal from obeying what a tag holds."""
    return words if words.isprintable() else json.dumps(words, ensure_ascii=False)[1:-1]
