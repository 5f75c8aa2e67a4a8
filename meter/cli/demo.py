"""`meter demo`: all of it, without a key, in a home of its own."""

from __future__ import annotations

from pathlib import Path

import click

from meter import settings
from meter.cli.app import CHOSEN_HOME, MeterCommand
from meter.cli.output import facts, show_report
from meter.cli.progress import stages
from meter.demo import DemoResult, run_demo
from meter.report.known import coverage
from meter.report.numbers import plural
from meter.report.table import Result

ROWS = 12


@click.command(
    "demo",
    cls=MeterCommand,
    about_home="The folder to run in, empty or an earlier demo's; default: meter-demo in the user's state folder.",
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Run a small fleet of services against a simulator, with thirteen months of synthetic history behind it.

    It needs no key and no network, and keeps to a home of its own (meter-demo in the user's state folder, or --home).

    \b
    Example:
      meter demo
    """
    chosen = ctx.find_root().meta.get(CHOSEN_HOME)
    with stages() as progress:
        result = run_demo(Path(chosen) if chosen else _own_home(), progress=progress)
    _tell(result)


def _own_home() -> Path:
    state = settings.environ().get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "meter-demo"


def _tell(result: DemoResult) -> None:
    rows = list(result.spend.rows)
    spend = Result(result.spend.columns, result.spend.types, rows[:ROWS])
    spend.title = f"Spend by team and model, {result.period.title}"
    show_report(spend, "table")
    if len(rows) > ROWS:
        print(f"… and {plural(len(rows) - ROWS, 'row')} more")
    known = dict(zip(result.coverage.columns, next(iter(result.coverage.rows)), strict=True))
    print()
    facts(
        (
            ("total", result.known.sentence(result.period.title)),
            ("coverage", ", ".join(coverage(known))),
            (
                "made by",
                f"{plural(result.fleet_calls, 'call')} of {result.processes} processes; all else is synthetic history",
            ),
            ("home", str(result.home)),
        )
    )
    print("\nNow try:")
    for line in result.next_steps:
        print(f"  {line}")
