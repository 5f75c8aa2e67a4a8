"""Call every SDK that is installed against the simulator, in a process and a home of its own, and compare what was recorded."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from meter import event
from meter.doctor.sdks import bare_environment, is_installed
from meter.doctor.trials import MISSING, Trial, load
from meter.simulator import Simulator

TIMEOUT_S = 60


@dataclass(frozen=True)
class Outcome:
    """What one trial should have recorded, what it did, and what it raised."""

    sdk: str
    trial: str
    expected: Mapping[str, int]
    recorded: Mapping[str, float] | None
    calls: int
    error: str | None
    is_right: bool = False

    @property
    def skipped(self) -> bool:
        """The SDK is too old for this way of calling it."""
        return self.error is not None and self.error.endswith(MISSING)

    @property
    def passed(self) -> bool:
        """One call, with exactly the usage that the wire stated."""
        return self.error is None and self.calls == 1 and (self.is_right or self.recorded == self.expected)


def installed() -> list[str]:
    """Return the SDKs that have trials and are installed."""
    return [sdk for sdk in dict.fromkeys(trial.sdk for trial in load()) if is_installed(sdk)]


def selftest(progress: Callable[[str], None] = lambda _: None) -> list[Outcome]:
    """Run the trials of every SDK that is installed. `progress` hears which one runs."""
    outcomes: list[Outcome] = []
    with Simulator() as simulator:
        for sdk in installed():
            progress(sdk)
            outcomes += _run(sdk, simulator.url)
    return outcomes


def _run(sdk: str, url: str) -> list[Outcome]:
    with tempfile.TemporaryDirectory(prefix="meter-selftest-") as folder:
        # A process of its own: the hooks are set as in a service, and this one's imports stay as they are.
        child = subprocess.run(
            [sys.executable, "-m", "meter.doctor.trials", sdk, url],
            cwd=folder,
            env={**bare_environment(), "METER_HOME": folder},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        calls = _recorded(Path(folder, "spool"))
    last = (child.stderr.strip().splitlines() or [""])[-1]
    raised: dict[str, str | None] = json.loads(child.stdout) if child.returncode == 0 else {}
    return [
        _outcome(trial, calls.get(trial.name, []), raised.get(trial.name, last or None))
        for trial in load()
        if trial.sdk == sdk
    ]


def _outcome(trial: Trial, calls: list[event.Call], error: str | None) -> Outcome:
    usage = {name: count for name, count in (calls[0].usage or {}).items() if count} if calls else None
    return Outcome(trial.sdk, trial.name, trial.usage, usage, len(calls), error, trial.is_right(usage))


def _recorded(spool: Path) -> dict[str, list[event.Call]]:
    found: dict[str, list[event.Call]] = {}
    for segment in spool.glob("*.ndjson"):
        for line in filter(None, segment.read_bytes().split(b"\n")):
            record = event.decode(line)
            if isinstance(record, event.Call):
                found.setdefault((record.tags or {}).get("trial", ""), []).append(record)
    return found
