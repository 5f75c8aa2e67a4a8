"""A result to stdout: a table on a terminal, aligned text in a pipe, or JSON, CSV, Parquet when asked."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import click

from meter.errors import QueryInvalid
from meter.report import table
from meter.report.numbers import plural
from meter.report.table import Result, one_currency, one_line, without_sameness

FORMATS = ("table", "json", "csv", "parquet")
MAX_ROWS = 1000
"""Rows of a table on a terminal: more are nobody's reading. In a pipe, the rows that tell the widths of the columns."""
format_option = click.option(
    "--format",
    "fmt",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How to print; JSON and CSV carry exact decimals.",
)

strict_option = click.option("--strict", is_flag=True, help="Exit with 3 when some calls have no full price.")


def show(result: Result, fmt: str) -> None:
    """Print a result in a format."""
    if fmt == "table":
        (_terminal if sys.stdout.isatty() else _plain)(result)
    else:
        _machine(result, fmt)


def show_report(result: Result, fmt: str) -> None:
    """Print one of our own results. On a terminal, what all rows have in common is said once: the currency, above all."""
    if fmt != "table" or not sys.stdout.isatty():
        show(result, fmt)
        return
    from meter.cli import screen

    common = one_currency(result)
    if not screen.fits(common):
        common, said = without_sameness(common)
        common.title = "\n".join(filter(None, [common.title, "; ".join(said)]))
    show(common, fmt)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and what is to say of each."""
    known = [(name, one_line(words)) for name, words in pairs]
    if sys.stdout.isatty():
        from meter.cli import screen

        screen.draw_facts(known)
        return
    width = max(len(name) for name, _ in known)
    for name, words in known:
        print(f"{name.ljust(width)}  {words}")


def note(line: str) -> None:
    """Tell something beside the answer, on stderr."""
    sys.stdout.flush()
    print(line, file=sys.stderr)


def _machine(result: Result, fmt: str) -> None:
    from meter.exporters.rows import write_rows

    if fmt == "parquet" and sys.stdout.isatty():
        raise QueryInvalid(
            "Parquet is binary and would spoil the terminal", hint="redirect it: … --format parquet > rows.parquet"
        )
    write_rows(result.columns, result.types, result.rows, fmt, sys.stdout)


def _plain(result: Result) -> None:
    """Print aligned lines as the rows come; the first rows tell the widths, so that a long answer begins at once."""
    from rich.cells import cell_len

    layout, rows = table.columns(result), iter(result.rows)
    first = table.cells(replace(result, rows=islice(rows, MAX_ROWS)), "plain")
    lines = [[column.name for column in layout], *first]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for line in chain(lines, table.written(replace(result, rows=rows), "plain")):
        parts = []
        for column, cell, width in zip(layout, line, widths, strict=True):
            blank = " " * (width - cell_len(cell))
            parts.append(blank + cell if column.right else cell + blank)
        print("  ".join(parts).rstrip())


def _terminal(result: Result) -> None:
    from meter.cli import screen

    result.rows, more = _first(result)
    screen.draw(result)
    if more:
        note(f"only the first {plural(MAX_ROWS, 'row')}: add a LIMIT, or take all with --format csv")


def _first(result: Result) -> tuple[list[Sequence[Any]], bool]:
    rows = list(islice(result.rows, MAX_ROWS + 1))
    return rows[:MAX_ROWS], len(rows) > MAX_ROWS
