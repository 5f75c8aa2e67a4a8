"""A result as text for people: what each column is decides how its cells look. Rendering is the command line's."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
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
    exact: bool = False
    """Money to its last digit: the arithmetic of one call, not the spend of a month."""


@dataclass(frozen=True)
class Column:
    """One column's name, side, and way of writing a value."""

    name: str
    right: bool
    write: Callable[[Any, Style], str]
    money: bool = False


def columns(result: Result) -> list[Column]:
    """Return how each column of a result is written."""
    found = [_column(name, kind) for name, kind in zip(result.columns, result.types, strict=True)]
    if not result.exact:
        return found
    return [replace(column, write=exactly) if column.money else column for column in found]


def cells(result: Result, style: Style) -> list[list[str]]:
    """Return every row as text."""
    return list(written(result, style))


def written(result: Result, style: Style) -> Iterator[list[str]]:
    """Yield row after row as text."""
    writers = [column.write for column in columns(result)]
    for row in result.rows:
        yield [write(value, style) for write, value in zip(writers, row, strict=True)]


def one_currency(result: Result) -> Result:
    """Drop the column `currency` where all amounts share one, and say it beside the names of those amounts instead."""
    rows = list(result.rows)
    place = list(result.columns).index("currency") if "currency" in result.columns else -1
    found = {row[place] for row in rows if row[place] is not None} if place >= 0 else set()
    if len(found) != 1:
        return replace(result, rows=rows)
    (currency,) = found
    kinds = zip(result.columns, result.types, strict=True)
    names = [f"{name} {currency}" if _column(name, kind).money else name for name, kind in kinds]
    return without(replace(result, columns=names, rows=rows), {place})


def without_sameness(result: Result) -> tuple[Result, list[str]]:
    """Take out the columns that say the same in every row, and return what they say."""
    rows = list(result.rows)
    same = {
        place for place in range(len(result.columns)) if len(rows) > 1 and len({str(row[place]) for row in rows}) == 1
    }
    shown = cells(replace(result, rows=rows[:1]), "grouped")
    said = [f"{name}: {shown[0][place]}" for place, name in enumerate(result.columns) if place in same]
    return without(replace(result, rows=rows), same), said


def without_blanks(result: Result) -> Result:
    """Take out the columns that say nothing in any row."""
    rows = list(result.rows)
    blank = {place for place in range(len(result.columns)) if all(row[place] is None for row in rows)}
    return without(replace(result, rows=rows), blank)


def without(result: Result, places: Container[int]) -> Result:
    """Return the result without some of its columns."""
    kept = [place for place in range(len(result.columns)) if place not in places]
    return replace(
        result,
        columns=[result.columns[place] for place in kept],
        types=[result.types[place] for place in kept],
        rows=[[row[place] for place in kept] for row in result.rows],
    )


COUNTED = ("tokens", "calls", "quantity", "bytes", "lines", "outcomes", "requests")
SHARES = ("share", "coverage", "utilisation")
PRICES = ("price", "prices", "multiplier", "rate")
"""What amounts are multiplied by: rounded, it would be another."""
INTEGERS = frozenset(
    sign + name for sign in ("", "U") for name in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
)


def _column(name: str, kind: str) -> Column:
    last = name.rpartition("_")[2].lower()
    if (last in SHARES or name.lower().endswith("savings_rate")) and kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")):
        return Column(name, True, lambda value, _: numbers.share(value))
    if last in PRICES and kind.startswith("DECIMAL"):
        return Column(name, True, exactly)
    if last in COUNTED and (kind in INTEGERS or kind.startswith("DECIMAL")):
        return Column(name, True, lambda value, style: COUNTS[style](value))
    if _is_money(kind):
        return Column(
            name, True, lambda value, style: numbers.money(value, "" if style == "plain" else ","), money=True
        )
    if kind in INTEGERS or kind.startswith("DECIMAL"):
        return Column(name, True, lambda value, _: numbers.count(value, ""))
    return Column(name, kind in ("DOUBLE", "FLOAT"), lambda value, _: text(value))


def exactly(value: Any, style: Style) -> str:
    """Write all digits of an amount, with 2 decimals at least: a price that is rounded is another price."""
    if value is None:
        return numbers.UNKNOWN
    whole, _, decimals = f"{value:{'' if style == 'plain' else ','}f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


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
        return one_line(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds" if not value.microsecond else "milliseconds")
    if isinstance(value, Mapping):
        return ", ".join(f"{one_line(str(key))}={text(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value)
    if isinstance(value, Decimal):
        return numbers.count(value, "")
    return one_line(str(value))


def one_line(words: str) -> str:
    """Keep a text on its line, and a terminal from obeying what a tag or a model's name holds."""
    return words if words.isprintable() else json.dumps(words, ensure_ascii=False)[1:-1]
