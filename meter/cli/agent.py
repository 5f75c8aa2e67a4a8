"""`meter agent`: ingest and send metrics."""

from __future__ import annotations

import click

from meter.agent import run_once
from meter.cli.app import INCOMPLETE, MeterCommand
from meter.cli.opening import find_writable, tell_terms_after
from meter.cli.progress import bar
from meter.errors import MeterError
from meter.exporters.otlp import ENDPOINTS, is_switched_off
from meter.ledger import Ledger
from meter.report.numbers import plural


@click.command("agent", cls=MeterCommand)
@click.option("--once", is_flag=True, help="One turn, then exit: for cron, a timer or a test.")
def command(once: bool) -> int:
    """Ingest the spool, then send the metrics to where OTEL_EXPORTER_OTLP_ENDPOINT says.

    \b
    Examples:
      meter agent --once
      OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 meter agent --once
    """
    if not once:
        raise MeterError(
            "the agent has no clock of its own yet", hint="run it from a timer: meter agent --once (see deploy/systemd)"
        )
    ledger = Ledger(find_writable())
    with bar("ingest", of_bytes=True) as progress:
        done = run_once(ledger, progress=progress)
    sent = (
        f"{plural(done.samples, 'sample')} sent to {done.endpoint}"
        if done.endpoint
        else f"no metrics sent: {'OTEL_METRICS_EXPORTER is none' if is_switched_off() else f'{ENDPOINTS[-1]} is not set'}"
    )
    print(f"{plural(done.ingested.calls, 'call')} ingested; {sent}")
    return INCOMPLETE if tell_terms_after(ledger, done.ingested) else 0
