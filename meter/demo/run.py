"""The demo from its first process to its last row: a fleet, the history behind it, one ledger, and what to look at."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from meter import home as homes
from meter import settings
from meter.demo import fleet, history
from meter.demo.fleet import FLEET, Member
from meter.demo.history import History
from meter.errors import MeterError
from meter.home import Home
from meter.ledger import Ingested, Ledger, ingest
from meter.lock import held
from meter.queries import get
from meter.report import known, run
from meter.report.known import Known
from meter.report.period import Period, midnight
from meter.report.table import Result

CALLS = 100_000
SEED = 7
LOCK_S = 10.0
MARKER = "demo-home"
MARKER_TEXT = "This folder belongs to `meter demo`, which empties its spool and its ledger at each run.\n"
OWN = ("home", "store", "config")
"""Settings that could lead out of the demo's home."""

PRICE_CHANGES = (
    "SELECT response_model AS model, unit_price AS output_token_price, min(calls.started_at) AS first_call, count(*) AS calls"
    " FROM charges JOIN calls USING (call_id) WHERE usage_class = 'output' AND response_model LIKE 'gpt-5.6%'"
    " GROUP BY ALL ORDER BY model, first_call"
)

FLEET_STAGE = "calls through the SDKs"
HISTORY_STAGE = "days of synthetic history"
INGEST_STAGE = "bytes into the ledger"
STAGES = (FLEET_STAGE, HISTORY_STAGE, INGEST_STAGE)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class DemoResult:
    """What the demo did, and what is worth showing of it."""

    home: Path
    processes: int
    fleet_calls: int
    history: History
    ingested: Ingested
    period: Period
    spend: Result
    coverage: Result
    known: Known
    next_steps: tuple[str, ...]


def run_demo(
    home: Path,
    *,
    progress: Progress = lambda _stage, _done, _total: None,
    processes: int | Sequence[Member] = FLEET,
    calls: int = CALLS,
    seed: int = SEED,
    now: datetime | None = None,
) -> DemoResult:
    """Run the whole demo in `home`, which must be new, empty, or left by an earlier demo; that one's ledger goes.

    `processes` is how many of the fleet's members run, or the members themselves; `calls` is the size of the history.
    `progress` hears of each stage of STAGES: its name, how much is done, and of how much. Raises MeterError when the folder
    is somebody's own, a process of the fleet fails, or the SDKs are not installed (ExtraMissing).
    """
    members = FLEET[:processes] if isinstance(processes, int) else tuple(processes)
    with _inside(home) as place:
        _empty(place)
        ledger = Ledger(place)
        made = fleet.run(place.path, members, lambda done, total: progress(FLEET_STAGE, done, total))
        moment = now or datetime.now(timezone.utc)
        past = history.write(
            place.spool,
            now=moment,
            calls=calls,
            seed=seed,
            progress=lambda done, total: progress(HISTORY_STAGE, done, total),
        )
        ingested = ingest(ledger, progress=lambda done, total: progress(INGEST_STAGE, done, total))
        end = max(moment, datetime.now(timezone.utc)) + timedelta(seconds=1)
        span = Period(midnight(past.first_day, timezone.utc), end, f"{history.MONTHS} months and this one")
        with ledger.reading() as connection:
            spend = _held(run.spend(connection, span, ["team", "model"]))
            coverage = _held(run.run(connection, get("reports", "coverage"), span))
            totals = known.summary(connection, span)
    return DemoResult(
        place.path, len(members), made, past, ingested, span, spend, coverage, totals, next_steps(place.path)
    )


def next_steps(home: Path) -> tuple[str, ...]:
    """Return three lines to try next; pasted into a shell, each prints something."""
    lines = (
        ("spend", "--by", "team,model", "--since", "30d"),
        ("sql", PRICE_CHANGES),
        ("report", "chargeback"),
    )
    return tuple(f"{_prefix(home)} {' '.join(map(_quoted, line))}" for line in lines)


def _prefix(home: Path) -> str:
    # A ledger or a configuration that the user has set elsewhere would win over the home.
    others = [f"{settings.variable(name)}=" for name in OWN[1:] if settings.environ().get(settings.variable(name))]
    return " ".join([f"METER_HOME={shlex.quote(str(home))}", *others, _command()])


def _command() -> str:
    """Return how to call this installation's `meter`: by name where the shell finds it, else by its place."""
    here = Path(sys.executable).with_name("meter")
    found = shutil.which("meter")
    if not here.exists() or (found and here.samefile(found)):
        return "meter"
    near = here.is_relative_to(Path.cwd())
    return shlex.quote(str(here.relative_to(Path.cwd()) if near else here))


def _quoted(word: str) -> str:
    plain = shlex.quote(word)
    return plain if plain == word else f'"{word}"'  # SQL is full of single quotes, and has none of "$`\


def _held(result: Result) -> Result:
    """Take all rows while the connection is open."""
    result.rows = [tuple(row) for row in result.rows]
    return result


@contextmanager
def _inside(path: Path) -> Iterator[Home]:
    """Make `path` the home in force for this process, whatever the user has set, and give it back afterwards.

    Raises MeterError when it holds something that no demo has put there.
    """
    path = path.expanduser().absolute()
    if path.is_dir() and any(path.iterdir()) and not (path / MARKER).is_file():
        raise MeterError(
            f"{path} is in use, and not by a demo", hint="choose a folder that is empty or does not exist yet"
        )
    before = {name: getattr(settings.get(), name) for name in OWN}
    settings.configure(home=str(path), store=None, config=None)
    try:
        place = Home(path)
        homes.ensure(place)
        (path / MARKER).write_text(MARKER_TEXT)
        yield place
    finally:
        settings.configure(**before)


def _empty(place: Home) -> None:
    """Remove what an earlier demo left; whoever still reads its ledger is waited for."""
    with held(place.lock, exclusive=True, timeout_s=LOCK_S, mode=place.ledger_mode):
        for old in (*place.spool.iterdir(), place.ledger, place.ledger.with_name(f"{place.ledger.name}.wal")):
            old.unlink(missing_ok=True)
