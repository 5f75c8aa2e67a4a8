"""A result as text for people: what each column is decides how its cells look. Rendering is the command line's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from meter.report import numbers

Style = Literal["plain", "grouped", "short"]
"""How counts are written: all digits for a pipe, thousands apart for eyes, three digits and a unit where room is scarce."""


@dataclass
class Result:
    """Columns with DuckDB's types, and rows that may be read once."""

    columns: Sequence[str]
    types: Sequence[str]
    rows: Iterable[Sequence[Any]]
    title: str | None = None


@dataclass(frozen=True)
class Column:
    """One column's name, side, and way of writing a value."""

    name: str
    right: bool
    write: Callable[[Any, Style], str]


def columns(result: Result) -> list[Column]:
    """Return how each column of a result is written."""
    return [_column(name, kind) for name, kind in zip(result.columns, result.types, strict=True)]


def cells(result: Result, style: Style) -> list[list[str]]:
    """Return every row as text."""
    writers = [column.write for column in columns(result)]
    return [[write(value, style) for write, value in zip(writers, row, strict=True)] for row in result.rows]


def one_currency(result: Result) -> Result:
    """Drop the column `currency` where all amounts share one, and say it beside the names of those amounts instead."""
    rows = list(result.rows)
    place = list(result.columns).index("currency") if "currency" in result.columns else -1
    found = {row[place] for row in rows if row[place] is not None} if place >= 0 else set()
    if len(found) != 1:
        return replace(result, rows=rows)
    (currency,) = found
    names = [
        f"{name} {currency}" if _is_money(kind) else name
        for name, kind in zip(result.columns, result.types, strict=True)
    ]
    return replace(
        result,
        columns=[*names[:place], *names[place + 1 :]],
        types=[*result.types[:place], *result.types[place + 1 :]],
        rows=[[*row[:place], *row[place + 1 :]] for row in rows],
    )


COUNTED = ("tokens", "calls", "quantity", "bytes", "lines", "outcomes", "requests")
SHARES = ("share", "coverage")
INTEGERS = frozenset(
    sign + name for sign in ("", "U") for name in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
)


def _column(name: str, kind: str) -> Column:
    last = name.rpartition("_")[2].lower()
    if last in SHARES and kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")):
        return Column(name, True, lambda value, _: numbers.share(value))
    if last in COUNTED and (kind in INTEGERS or kind.startswith("DECIMAL")):
        return Column(name, True, lambda value, style: COUNTS[style](value))
    if _is_money(kind):
        return Column(name, True, lambda value, style: numbers.money(value, "" if style == "plain" else ","))
    if kind in INTEGERS or kind.startswith("DECIMAL"):
        return Column(name, True, lambda value, _: numbers.count(value, ""))
    return Column(name, kind in ("DOUBLE", "FLOAT"), lambda value, _: text(value))


COUNTS: Mapping[Style, Callable[[Any], str]] = {
    "plain": lambda value: numbers.count(value, ""),
    "grouped": numbers.count,
    "short": numbers.short,
}


def _is_money(kind: str) -> bool:
    """Money has 12 decimals, or what the user rounded it to; counts may be fractional seconds, with 6."""
    return kind.startswith("DECIMAL") and not kind.endswith((",6)", ",0)"))


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
