"""A result to stdout: a table on a terminal, aligned text in a pipe, or JSON, CSV, Parquet when asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import IO, Any

import click

from meter.errors import QueryInvalid
from meter.report import table
from meter.report.numbers import plural
from meter.report.table import Column, Result

FORMATS = ("table", "json", "csv", "parquet")
MAX_ROWS = 1000
"""Rows of a table on a terminal; more are nobody's reading, and width needs all rows at hand."""
NARROWEST = 12
"""A text column may shrink to this width; if that is not enough, the rows stand one value a line."""

format_option = click.option(
    "--format",
    "fmt",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How to print; JSON and CSV carry exact decimals.",
)


def show(result: Result, fmt: str) -> None:
    """Print a result in a format; its notes go to stderr."""
    if fmt == "table":
        (_terminal if sys.stdout.isatty() else _plain)(result)
    else:
        _machine(result, fmt)
    for line in result.notes:
        note(line)


def note(line: str) -> None:
    """Tell something beside the answer, on stderr."""
    print(line, file=sys.stderr)


def _machine(result: Result, fmt: str) -> None:
    from meter.exporters.rows import write_rows

    stream: IO[Any] = sys.stdout
    if fmt == "parquet" and stream.isatty():
        raise QueryInvalid(
            "Parquet is binary and would spoil the terminal", hint="redirect it: … --format parquet > rows.parquet"
        )
    write_rows(result.columns, result.types, result.rows, fmt, stream)


def _plain(result: Result) -> None:
    layout, rows = table.columns(result), table.cells(result, grouped=False)
    widths = _widths(layout, rows)
    for line in ([column.name for column in layout], *rows):
        aligned = [
            cell.rjust(width) if column.right else cell.ljust(width)
            for column, cell, width in zip(layout, line, widths, strict=True)
        ]
        print("  ".join(aligned).rstrip())


def _terminal(result: Result) -> None:
    layout = table.columns(result)
    taken = _first(result)
    rows = table.cells(taken, grouped=True)
    draw = _records if _too_wide(layout, _widths(layout, rows)) else _grid
    draw(result.title, layout, rows)
    if taken is not result:
        note(f"only the first {plural(MAX_ROWS, 'row')}: add a LIMIT, or take all with --format csv")


def _first(result: Result) -> Result:
    rows: list[Sequence[Any]] = []
    for row in result.rows:
        if len(rows) == MAX_ROWS:
            return Result(result.columns, result.types, rows)
        rows.append(row)
    result.rows = rows
    return result


def _widths(layout: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    cells = [[column.name, *(row[place] for row in rows)] for place, column in enumerate(layout)]
    return [max(map(_width(), column)) for column in cells]


def _width() -> Callable[[str], int]:
    from rich.cells import cell_len

    return cell_len


def _too_wide(layout: Sequence[Column], widths: Sequence[int]) -> bool:
    from rich.console import Console

    least = [width if column.right else min(width, NARROWEST) for column, width in zip(layout, widths, strict=True)]
    return sum(least) + 2 * len(least) > Console().width


def _grid(title: str | None, layout: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, header_style="dim"
    )
    for column in layout:
        grid.add_column(column.name, justify="right" if column.right else "left", no_wrap=column.right, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    Console().print(grid)


def _records(title: str | None, layout: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.rule import Rule
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if title:
        console.print(Text(title, style="bold"))
    for number, row in enumerate(rows, 1):
        console.print(Rule(f"row {number}", align="left", style="dim"))
        record = Table(box=None, show_header=False, pad_edge=False)
        record.add_column(style="dim", no_wrap=True)
        record.add_column(overflow="fold")
        for column, cell in zip(layout, row, strict=True):
            record.add_row(column.name, Text(cell))
        console.print(record)
