"""The generated parts of README.md; cog calls these functions, and a test checks that the file is up to date."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from meter import names, settings
from meter.demo import history
from meter.home import Home, ensure
from meter.ledger import ingest, open_ledger
from meter.providers.sdks import load

EXAMPLES_NOW = datetime(2026, 11, 1, tzinfo=timezone.utc)
EXAMPLES_CALLS = 20_000

VIEWS = {
    "calls": "one row per model call",
    "charges": "one row per call and usage class: what Σ of a call's cost is made of",
    "outcomes": "what calls achieved, and what it was worth",
    "spend_daily": "cost by day, service, provider and model",
    "coverage": "how much of the ledger is priced, estimated, untagged, lost, made without an SDK",
    "unmetered": "calls to known providers that no SDK made, and so were not recorded",
    "contracts": "what meter.toml said of negotiated prices, and when it was known",
    "unpriced": "what has no price, why, since when, and what it would cost if priced like its nearest relatives",
    "savings": "from list to effective cost, and what each lever saved",
    "cache_savings": "what reading from caches saved against the uncached price",
    "adjustments": "what contracts add or take off by the month: volume tiers, commitments, fees; booked corrections",
    "adjustment_shares": "the same, fees that are spread shared out by tokens",
    "commitments": "what was bought ahead: drawn, left, coverage, utilisation, run-out date, expected breakage",
    "billed_spend": "each account's spend in the currency it is invoiced in",
    "exchange_rates": "dated exchange rates and their source",
    "revisions": "what was priced anew: who, when, why, and the costs before and after",
    "context_cost": "cost per call by the size of its input, and what long input cost more",
}


def example(statement: str) -> None:
    """Print a `meter sql` command and what it answers on the examples' ledger."""
    import cog  # type: ignore[import-not-found]  # there only while cog runs

    cog.outl(f'```console\n$ meter sql "{statement}"\n{answer(statement)}```')


def answer(statement: str) -> str:
    """Return what `meter sql` prints to a pipe."""
    command = [str(Path(sys.executable).with_name("meter")), "sql", statement]
    done = subprocess.run(
        command, env={**os.environ, "METER_HOME": str(examples_home())}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)}: {done.stderr}")
    return done.stdout


@functools.cache
def examples_home() -> Path:
    """The home that README's examples are answered from: the demo's history at a fixed moment, so the answers stay the same."""
    folder = tempfile.mkdtemp(prefix="meter-examples-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = Home(Path(folder))
    ensure(place)
    history.write(place.spool, now=EXAMPLES_NOW, calls=EXAMPLES_CALLS, seed=1)
    ingest(open_ledger(place))
    return place.path


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def sdks_table() -> str:
    """Every SDK: what it is installed as, which operations are metered, which versions are tested."""
    return table(
        ["SDK", "what is metered", "tested"],
        [
            (
                f"`{provider.distribution or provider.package}`",
                ", ".join(dict.fromkeys(OPERATIONS.get(d.operation, d.operation) for d in provider.dialects))
                or EVERY_WIRE,
                " to ".join(dict.fromkeys(provider.tested)),
            )
            for provider in load()
            if not provider.family.startswith("plain")
        ],
    )


EVERY_WIRE = "what it sends itself, in the wire of each vendor; the rest is its SDK's"
OPERATIONS = {
    "text_completion": "completions",
    "generate_content": "generate content",
    "create_cache": "cached content",
    "image_generation": "images",
    "moderation": "moderations (free)",
    "transcription": "transcriptions",
    "ocr": "OCR",
}


def settings_table() -> str:
    """Every setting: variable, default, help."""
    return table(
        ["variable", "default", "what it does"],
        [
            (f"`{settings.variable(field.name)}`", _default(field), field.metadata["help"])
            for field in dataclasses.fields(settings.Settings)
        ],
    )


def classes_table() -> str:
    """Every usage class."""
    return table(
        ["class", "side", "unit", "column of `calls`"],
        [
            (
                f"`{c.name}`",
                c.side or "fee",
                c.unit,
                f"`{c.column}`" if c.column else "in `other_usage`" if c.side is None else "",
            )
            for c in names.CLASSES
        ],
    )


def views_table() -> str:
    """Every public view with its columns, read from a fresh ledger."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(Home(Path(folder)))
        with ledger.writing() as connection:
            columns = {
                view: [
                    str(name) for (name,) in connection.execute(f"SELECT column_name FROM (DESCRIBE {view})").fetchall()
                ]
                for view in VIEWS
            }
    return table(
        ["view", "what", "columns"],
        [(f"`{view}`", VIEWS[view], ", ".join(f"`{c}`" for c in columns[view])) for view in VIEWS],
    )


def _default(field: dataclasses.Field[object]) -> str:
    value = getattr(settings.Settings(), field.name)
    return f"`{value}`" if value not in (None, "", {}) and value is not False else ""
