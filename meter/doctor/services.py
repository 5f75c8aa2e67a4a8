"""The services: what their processes said of themselves when they began to record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from meter.doctor.finding import Finding, note, ok, wrong
from meter.errors import LedgerMissing, MeterError
from meter.home import Home
from meter.instrument.patches import BROKEN
from meter.ledger import Ledger
from meter.report.status import PATIENCE_S, RECENT_DAYS

_NEWEST = """
SELECT coalesce(service, '(unnamed)'), coalesce(host, '?'), meter, python, sdks::VARCHAR, hooks::VARCHAR
FROM ledger.processes
WHERE recorded_at > now() - to_days($days)
QUALIFY row_number() OVER (PARTITION BY service, host ORDER BY recorded_at DESC) = 1
ORDER BY service, host
"""


@dataclass(frozen=True)
class Process:
    """A service's newest process on a host."""

    service: str
    host: str
    meter: str | None
    python: str | None
    sdks: dict[str, str]
    hooks: dict[str, str]


def check_services(place: Home) -> Iterator[Finding]:
    """Look at the newest process of each service, on each host."""
    found = newest(place)
    if found is None:
        yield note("services", "unknown while the ledger cannot be read")
        return
    if not found:
        yield note("services", f"none has recorded here in {RECENT_DAYS} days", "put `import meter.auto` into one")
    for process in found:
        yield from judge(process)


def newest(place: Home) -> list[Process] | None:
    """Read the newest processes from the ledger; None when it cannot be read, which is another check's finding."""
    import duckdb

    try:
        with Ledger(place).reading(timeout_s=PATIENCE_S) as connection:
            rows = connection.execute(_NEWEST, {"days": RECENT_DAYS}).fetchall()
    except LedgerMissing:
        return []
    except (MeterError, OSError, duckdb.Error):
        return None
    return [
        Process(service, host, version, python, json.loads(sdks or "{}"), json.loads(hooks or "{}"))
        for service, host, version, python, sdks, hooks in rows
    ]


def judge(process: Process) -> Iterator[Finding]:
    """Return what a process's hooks amount to."""
    subject = f"{process.service} on {process.host}"
    broken = {target: state for target, state in process.hooks.items() if state.startswith(BROKEN)}
    for target, state in broken.items():
        yield wrong(
            subject, f"{target} is {state}", "its calls may be missing: use a version of the SDK that was tested"
        )
    if not broken:
        versions = [f"{name} {version}" for name, version in sorted(process.sdks.items())] or [
            "no SDK was imported yet"
        ]
        ours = [
            f"{name} {version}" for name, version in (("meter", process.meter), ("Python", process.python)) if version
        ]
        yield ok(subject, ", ".join([*versions, *ours]))
