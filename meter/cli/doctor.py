"""`meter doctor`: what is metered here, what is wrong, and how to mend it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import click

from meter import home as homes
from meter.cli.app import MeterCommand
from meter.cli.opening import HOPELESS, freshen, tell_terms
from meter.cli.output import format_option, show
from meter.cli.progress import spinner
from meter.doctor.examine import examine
from meter.doctor.finding import Finding
from meter.doctor.selftest import Outcome, selftest
from meter.errors import MeterError
from meter.ledger import Ledger
from meter.names import CLASSES
from meter.report.numbers import plural
from meter.report.table import Result, one_line

SIGNS: Mapping[str, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "note": ("note", "yellow"),
    "wrong": ("WRONG", "bold red"),
}


@click.command("doctor", cls=MeterCommand)
@click.option(
    "--selftest", "try_out", is_flag=True, help="Call each installed SDK against a simulator and compare the usage."
)
@format_option
def command(try_out: bool, fmt: str) -> int:
    """Say which SDKs are here and whether they are metered, what is wrong, and how to mend it.

    Exits with 1 when something is wrong. Run it in the environment of a service to check that service's SDKs.

    \b
    Examples:
      meter doctor
      meter doctor --selftest
      meter doctor --format json
    """
    if try_out:
        return _try_out(fmt)
    ledger = Ledger(place := homes.find())
    with spinner("looking") as say:
        say("spool")
        with suppress(*HOPELESS):  # a finding says so
            freshen(ledger)
            ledger.review()
        findings = []
        for finding in examine(place):
            findings.append(finding)
            say(finding.subject)
    if ledger.has_new_terms or ledger.has_other_months:
        tell_terms(ledger)
    faults = sum(finding.state == "wrong" for finding in findings)
    if fmt == "table":
        _print(findings)
        print(f"\n{plural(faults, 'fault')}, each with its mend above" if faults else "\nNothing is wrong.")
    else:
        show(_result(findings), fmt)
    return 1 if faults else 0


def _print(found: Sequence[Finding]) -> None:
    findings = [replace(one, subject=one_line(one.subject), detail=one_line(one.detail)) for one in found]
    if not sys.stdout.isatty():
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            print(f"{SIGNS[finding.state][0]:5}  {finding.subject.ljust(width)}  {finding.detail}")
            if finding.mend:
                print(f"{'':5}  {'':{width}}  → {finding.mend}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(max_width=26, overflow="fold")
    grid.add_column(overflow="fold")
    for finding in findings:
        sign, style = SIGNS[finding.state]
        words = Text(finding.detail)
        if finding.mend:
            words.append(f"\n→ {finding.mend}", style="dim" if finding.state == "note" else "cyan")
        grid.add_row(Text(sign, style=style), Text(finding.subject), words)
    Console(highlight=False).print(grid)


def _result(findings: Sequence[Finding]) -> Result:
    rows = [(finding.subject, finding.state, finding.detail, finding.mend) for finding in findings]
    return Result(["subject", "state", "detail", "mend"], ["VARCHAR"] * 4, rows)


def _try_out(fmt: str) -> int:
    with spinner("calling the simulator") as say:
        outcomes = selftest(say)
    show(_outcomes(outcomes), fmt)
    failed = [outcome for outcome in outcomes if not outcome.passed and not outcome.skipped]
    if not outcomes:
        raise MeterError(
            f"no SDK is installed in {sys.prefix}", hint="pip install openai anthropic, or run it where they are"
        )
    if failed:
        raise MeterError(
            f"{plural(len(failed), 'trial')} of {len(outcomes)} went wrong: those calls would be missing or wrong",
            hint="use a version of the SDK that was tested (meter doctor says which), and report this",
        )
    return 0


def _outcomes(outcomes: Sequence[Outcome]) -> Result:
    rows = [(one.sdk, one.trial, _usage(one.expected), _usage(one.recorded), _verdict(one)) for one in outcomes]
    columns = ["sdk", "call", "usage_expected", "usage_recorded", "result"]
    return Result(columns, ["VARCHAR"] * len(columns), rows, "Self-test")


def _usage(usage: Mapping[str, float] | None) -> str | None:
    if usage is None:
        return None
    order = {known.name: place for place, known in enumerate(CLASSES)}
    return ", ".join(f"{name} {usage[name]:g}" for name in sorted(usage, key=lambda name: order.get(name, len(order))))


def _verdict(outcome: Outcome) -> str:
    if outcome.passed:
        return "ok"
    if outcome.skipped:
        return "not in this version"
    if outcome.error:
        return outcome.error
    return "usage differs" if outcome.calls == 1 else f"recorded {outcome.calls} times"
