"""The bench: `make bench`, or `python -m tests.bench [section …] [--quick] [--json FILE]`.

How it measures. The machine is shared and noisy, so nothing is judged by the clock alone and no test asserts a time. Every
figure is taken against the bare SDK (or DuckDB, or `os.write`) in the same run: the arms take turns in small blocks, garbage is
collected between blocks and never inside one, and what an arm adds is the median over the turns of the difference to the bare
block of the same turn (`timing.py`). The median and the 99th percentile of the calls themselves stand beside it.

- `calls`: the official SDKs on a transport inside the process (`transport.py`): no socket, no server. A tool is switched on and
  off by swapping the attributes that its installation changed in the SDK's classes (`patches.py`), which works for all alike.
- `families`: a call and a stream of an SDK of every family, in `.venv-sdks`, with replies out of memory (`tape.py`).
- `wire`: requests of httpx, requests and aiohttp that no SDK makes: ignored, counted, and read where that was asked for.
- `tools`: each in an environment of its own, `.venv-bench-<tool>`, with its defaults and an exporter that drops everything;
  Meter runs there too, as a third arm. Children are fenced: telemetry off, nothing but loopback may be contacted. A tool that
  pip cannot get is skipped with a line that says so.
- `startup`, `memory`: fresh processes, with and without.
- `record`: the steps of recording one call, against a bare `os.write` of the same bytes.
- `ingest`, `disk`: made-up calls with real entropy (`traffic.py`) in proper segments, read into a fresh ledger, priced and
  committed; DuckDB's bare JSON reader over the same bytes is the yardstick. Bytes a call come from the file and by column.
- `growth`: ledgers of 1 and 10 million calls, filled by SQL (`history.py`), and what the same questions take on each. For the
  largest, `python -m tests.bench growth --millions 1,10,100`: ten minutes, and 7 GB in $TMPDIR.
- `reprice`: a month of calls that SQL makes up, priced anew; `--calls 10000000` is the size that the budget speaks of.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from tests.bench import growth, ledgers, repricing, sections
from tests.bench.sections import QUICK, Options, Section, Table

SECTIONS: dict[str, Section] = {
    "calls": sections.calls,
    "families": sections.families,
    "wire": sections.wire,
    "tools": sections.tools,
    "startup": sections.startup,
    "memory": sections.memory,
    "record": sections.record,
    "ingest": ledgers.ingest,
    "disk": ledgers.disk,
    "growth": growth.growth,
    "reprice": repricing.reprice,
}

WIDTH = 180
"""Of the tables when they do not go to a terminal."""


def main(arguments: list[str]) -> int:
    chosen = parse(arguments)
    options = QUICK if chosen.quick else Options()
    options = options._replace(
        **{name: value for name in ("calls", "turns") if (value := getattr(chosen, name)) is not None}
    )
    if chosen.millions is not None:
        options = options._replace(millions=tuple(map(float, chosen.millions.split(","))))
    if chosen.tools is not None:
        options = options._replace(tools=tuple(filter(None, chosen.tools.split(","))))
    tables = run(chosen.sections or list(SECTIONS), options)
    if chosen.json:
        chosen.json.write_text(
            json.dumps({name: table.data for name, table in tables.items()}, indent=1, default=str) + "\n"
        )
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.bench", description="Overhead, ingest speed and bytes a call.")
    parser.add_argument(
        "sections", nargs="*", metavar="section", help=f"which to run: {', '.join(SECTIONS)}; default: all"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that all works, the figures are rough")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--calls", type=int, metavar="N", help="calls to ingest; default 300,000")
    parser.add_argument("--millions", metavar="A,B", help="sizes of the ledgers of `growth`; default 1,10")
    parser.add_argument("--turns", type=int, metavar="N", help="turns of each arm; default 40")
    parser.add_argument("--tools", metavar="A,B", help="which other tools to run; empty for none")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.sections if name not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]!r}; sections: {', '.join(SECTIONS)}")
    return chosen


def run(names: list[str], options: Options) -> dict[str, Table]:
    """Run the sections, each printed as soon as it is done."""
    console, tables = Console(width=None if sys.stdout.isatty() else WIDTH), {}
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for name in names:
            task = progress.add_task(name, total=None)
            tables[name] = SECTIONS[name](options, lambda task=task: progress.advance(task))  # type: ignore[misc]
            progress.remove_task(task)
            show(console, tables[name])
    console.print(
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the end, Python {sys.version.split()[0]}"
    )
    return tables


def show(console: Console, table: Table) -> None:
    drawn = RichTable(title=table.title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for index, column in enumerate(table.columns):
        drawn.add_column(column, justify="left" if index == 0 else "right", no_wrap=True)
    for row in table.rows:
        drawn.add_row(*row)
    console.print(drawn)
    for note in table.notes:
        console.print(f"  {note}", style="dim", soft_wrap=True)
    console.print()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
