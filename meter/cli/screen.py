"""A table for a terminal. Where it is too narrow, counts are shortened and texts wrapped; then a row stands one value a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from meter.report import table
from meter.report.table import Column, Result, Style

Rows = Sequence[Sequence[str]]


class Attempt(NamedTuple):
    """How counts are written, to what width a text may shrink, and the blanks between columns."""

    style: Style
    narrowest: int
    gap: int


ATTEMPTS = (
    Attempt("grouped", 999, 2),
    Attempt("short", 999, 2),
    Attempt("grouped", 14, 2),
    Attempt("short", 14, 2),
    Attempt("short", 14, 1),
    Attempt("short", 9, 1),
)
"""The best first."""

_PIECES = re.compile(r"[-_./:,@]*[^-_./:,@\s]+[-_./:,@]*\s*|\S+\s*")


def draw(result: Result) -> None:
    """Print a result, whose rows are a list."""
    console = Console(highlight=False)
    grid = next(filter(None, (_attempted(result, attempt, console.width) for attempt in ATTEMPTS)), None)
    if grid is not None:
        console.print(grid)
    else:
        _print_records(console, result)


def fits(result: Result) -> bool:
    """Tell whether the result is a table here without texts being squeezed."""
    width = Console().width
    return any(_attempted(result, attempt, width) for attempt in ATTEMPTS[:-1])


def _attempted(result: Result, attempt: Attempt, room: int) -> Table | None:
    layout, rows = table.columns(result), table.cells(result, attempt.style)
    heads, widths = _measured(layout, rows)
    least = [
        width if column.right else min(width, attempt.narrowest) for column, width in zip(layout, widths, strict=True)
    ]
    spare = room - sum(least) - attempt.gap * (len(least) - 1)
    if spare < 0:
        return None
    return _grid(result.title, layout, heads, _shared(least, widths, spare), rows, attempt.gap)


def draw_facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and what is to say of each."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, words in pairs:
        grid.add_row(name, Text(words))
    Console(highlight=False).print(grid)


def wrapped(text: str, width: int) -> str:
    """Return the text in lines of that width, broken behind its hyphens, dots and the like where possible."""
    if cell_len(text) <= width:
        return text
    lines = [""]
    for piece in _PIECES.findall(text):
        if cell_len(lines[-1]) + cell_len(piece.rstrip()) <= width:
            lines[-1] += piece
            continue
        while cell_len(piece.rstrip()) > width:
            cut = next(place for place in range(len(piece), 0, -1) if cell_len(piece[:place]) <= width or place == 1)
            lines.append(piece[:cut])
            piece = piece[cut:]
        lines.append(piece)
    return "\n".join(line.rstrip() for line in lines if line)


def _measured(layout: Sequence[Column], rows: Rows) -> tuple[list[str], list[int]]:
    cells = [max((cell_len(row[place]) for row in rows), default=0) for place in range(len(layout))]
    heads = [_broken(column.name, width) for column, width in zip(layout, cells, strict=True)]
    widths = [max(width, *map(cell_len, head.splitlines()), 1) for width, head in zip(cells, heads, strict=True)]
    return heads, widths


def _shared(least: Sequence[int], wanted: Sequence[int], spare: int) -> list[int]:
    """Hand out the width that is left, a cell at a time, to the column that lacks most."""
    given = list(least)
    for _ in range(min(spare, sum(wanted) - sum(least))):
        place = max(range(len(given)), key=lambda place: wanted[place] - given[place])
        given[place] += 1
    return given


def _grid(
    title: str | None, layout: Sequence[Column], heads: Sequence[str], widths: Sequence[int], rows: Rows, gap: int
) -> Table:
    grid = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, show_edge=False)
    grid.header_style, grid.padding, grid.pad_edge = "dim", (0, gap - 1, 0, 0), False
    for column, head, width in zip(layout, heads, widths, strict=True):
        grid.add_column(head, justify="right" if column.right else "left", no_wrap=True, width=width)
    for row in rows:
        grid.add_row(*(Text(wrapped(cell, width)) for cell, width in zip(row, widths, strict=True)))
    return grid


def _broken(name: str, width: int) -> str:
    """Return a head as wide as its cells where possible, broken at its underscores: effective_ over cost."""
    longest = max((cell_len(piece.rstrip()) for piece in _PIECES.findall(name)), default=1)
    return wrapped(name, max(width, longest))


def _print_records(console: Console, result: Result) -> None:
    if result.title:
        console.print(Text(result.title, style="bold"))
    rows = table.cells(result, "grouped")
    for number, row in enumerate(rows, 1):
        if len(rows) > 1:
            console.print(Rule(f"row {number}", align="left", style="dim"))
        record = Table(box=None, show_header=False, pad_edge=False)
        record.add_column(style="dim", no_wrap=True)
        record.add_column(overflow="fold")
        for name, cell in zip(result.columns, row, strict=True):
            record.add_row(name, Text(cell))
        console.print(record)
