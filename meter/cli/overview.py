"""`meter` alone: one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from meter.cli.app import INCOMPLETE
from meter.cli.currency import chosen
from meter.cli.opening import find, find_settled, local_now, reading
from meter.report import numbers
from meter.report.known import GAPS, coverage
from meter.report.numbers import plural
from meter.report.overview import Overview, Spender
from meter.report.overview import overview as read
from meter.report.table import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

BAR = 12
IN_COVERAGE = GAPS[2:5]
"""The unpriced share stands in the totals already, and calls that fail cost nothing."""
WELCOME = (
    ("see it all work, without a key", "meter demo"),
    ("meter a service: its first line", "import meter.auto  # noqa: F401"),
    ("check what can be metered here", "meter doctor"),
)


def overview(strict: bool = False) -> int:
    """Print today, the month so far, the top teams and models, how much is known, and what to look at next."""
    place = find()
    if not place.ledger.exists() and not any(place.spool.glob("*.ndjson")):
        find_settled()
        _print(_heading("Meter", f"nothing recorded yet in {place.path}"), _steps(WELCOME))
        return 0
    from rich.console import Group
    from rich.text import Text

    currency = chosen(None)
    with reading() as connection:
        found = read(connection, local_now(connection), currency)
    _print(
        _heading("Meter", f"{place.path}, {found.now:%a %d %b %Y %H:%M %Z}"),
        Group(
            _totals(found),
            *(Text(line, style="dim", overflow="fold") for line in found.converted),
            _heading("Coverage", ", ".join(coverage(found.coverage, IN_COVERAGE))),
        ),
        *(_spenders(f"Top {noun}, {found.month.title}", top) for noun, top in found.top.items() if top),
        _steps(list(_next(found))[:3]),
    )
    return INCOMPLETE if strict and any(known.is_incomplete for known in found.totals.values()) else 0


def _print(*parts: RenderableType) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    with console.capture() as captured:
        for number, part in enumerate(parts):
            if number:
                console.print()
            console.print(part)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _heading(title: str, words: str) -> Text:
    from rich.text import Text

    return Text.assemble((title, "bold"), "  ", words, overflow="fold")


def _totals(found: Overview) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 3))
    for side in ("left", "right", "right", "left"):
        table.add_column(justify=side)
    for title, known in found.totals.items():
        costs = "\n".join(f"{numbers.money(cost)} {currency}" for currency, cost in known.costs.items())
        gap = f"{numbers.share(known.share)} unpriced" if known.unpriced else ""
        gap += f": {known.likely}" if known.bounds else ""
        table.add_row(title, costs or ("–" if known.calls else ""), plural(known.calls, "call"), gap)
    return table


def _spenders(title: str, spenders: Sequence[Spender]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, pad_edge=False)
    table.add_column(max_width=38, overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    most = max((one.share or 0 for one in spenders), default=0) or 1
    for one in spenders:
        filled = round((one.share or 0) * BAR / most)
        line = Text("━" * filled, style="cyan")
        cost = "unpriced" if one.cost is None else f"{numbers.money(one.cost)} {one.currency}"
        table.add_row(Text(one_line(one.name)), cost, line, numbers.share(one.share) if one.share is not None else "")
    return table


def _next(found: Overview) -> Iterator[tuple[str, str]]:
    if found.lost or found.dead_letters:
        yield f"{plural(found.lost, 'record')} lost, {plural(found.dead_letters, 'line')} unreadable", "meter doctor"
    if found.coverage["unpriced_calls"] or found.coverage["partial_calls"]:
        yield "what has no price", 'meter sql "FROM unpriced"'
    if found.rate("untagged_calls") > 0.05:
        yield "who makes untagged calls", "meter spend --by team,service"
    month = f" --month {found.statement}" if found.statement else ""
    if any(known.has_adjustments for known in found.totals.values()):
        yield "settled by contract, in no total here", f"meter report adjustments{month}"
    yield "where the money went", "meter spend --by team,model"
    yield "what each team owes", f"meter report chargeback{month}"
    yield "what is recorded, and how well", "meter status"


def _steps(steps: Sequence[tuple[str, str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Next", title_justify="left", title_style="bold", box=None, show_header=False, pad_edge=False)
    for words, command in steps:
        table.add_row(Text(command, style="cyan"), Text(words, style="dim"))
    return table
