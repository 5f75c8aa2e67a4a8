"""How recording and ingest are doing: the spool, the lag, what was lost or could not be read, and who holds the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from meter import event, lock, settings
from meter.errors import LedgerMissing, MeterError
from meter.home import Home
from meter.ledger import Ledger
from meter.names import UNMETERED
from meter.spool import Segment, segments

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PATIENCE_S = 1.0
"""So long the ledger is waited for; who holds it is part of the answer."""
RECENT_DAYS = 7
"""What is older has been seen: it stays in the totals and is no fault any more."""
LINE_BYTES = 64 << 10


@dataclass(frozen=True)
class Holder:
    """A process that has the ledger open or locked."""

    pid: int
    command: str | None


@dataclass(frozen=True)
class Ledgered:
    """What the ledger says of itself. `positions` has the segments that are still in the spool."""

    schema: int
    calls: int
    outcomes: int
    duplicates: int
    dead_letters: int
    last_ingest: datetime | None
    unpriced_share: float
    ahead: int
    """Calls that lie in the future, by this machine's clock."""
    lost: int
    positions: dict[str, int]
    lost_recently: int
    dead_letters_recently: int
    failures_recently: Counter[str]


@dataclass(frozen=True)
class Status:
    """One look at everything. What the ledger alone knows is None while it cannot be read; `problem` says why."""

    home: Home
    found: Sequence[Segment]
    writing: int
    lost: int
    """Of all times; `lost_recently`, `failures` and `unmetered` are of RECENT_DAYS."""
    lost_recently: int
    failures: Counter[str]
    unmetered: Counter[str]
    """Calls to known providers that no SDK made, by provider and server."""
    ledger_bytes: int | None
    ledger: Ledgered | None
    problem: MeterError | None
    holders: Sequence[Holder] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)
    waiting_since: datetime | None = None

    @property
    def spool_bytes(self) -> int:
        """Bytes in the spool, ingested or not."""
        return sum(segment.size for segment in self.found)

    @property
    def unreadable(self) -> int:
        """Segments that this user may not read."""
        return sum(not segment.readable for segment in self.found)

    @property
    def lag_bytes(self) -> int | None:
        """Bytes that wait to be ingested."""
        return None if self.ledger is None and self.ledger_bytes is not None else sum(self.waiting.values())


def status(place: Home) -> Status:
    """Look at the home. Nothing is raised for a ledger that cannot be read: that is part of the answer."""
    found = segments(place.spool) if place.spool.is_dir() else []
    ledger, problem = _ledgered(place, found)
    states = [state for segment in found if (state := segment.state()) is not None]
    failures = Counter(ledger.failures_recently) if ledger else Counter()
    for state in states:
        failures.update(state.failures)
    waiting = _waiting(found, ledger)
    return Status(
        home=place,
        found=found,
        writing=sum(not segment.writer_is_gone() for segment in found if segment.readable),
        lost=sum(state.lost for state in states) + (ledger.lost if ledger else 0),
        lost_recently=sum(state.lost for state in states) + (ledger.lost_recently if ledger else 0),
        failures=Counter({step: count for step, count in failures.items() if not step.startswith(UNMETERED)}),
        unmetered=Counter(
            {step.removeprefix(UNMETERED): count for step, count in failures.items() if step.startswith(UNMETERED)}
        ),
        ledger_bytes=place.ledger.stat().st_size if place.ledger.exists() else None,
        ledger=ledger,
        problem=problem,
        holders=holders(place),
        waiting=waiting,
        waiting_since=_since([segment for segment in found if segment.name in waiting], ledger),
    )


def holders(place: Home) -> list[Holder]:
    """Return who has the ledger open or locked, as far as the system tells."""
    pids = {*lock.holders(place.lock), *lock.holders(place.ledger)}
    return [Holder(pid, _command(pid)) for pid in sorted(pids)]


def _ledgered(place: Home, found: Sequence[Segment]) -> tuple[Ledgered | None, MeterError | None]:
    import duckdb

    if not place.ledger.exists():
        return None, None
    try:
        with Ledger(place).reading(timeout_s=PATIENCE_S) as connection:
            return _read(connection, [segment.name for segment in found]), None
    except LedgerMissing:
        return None, None
    except MeterError as error:
        return None, error
    except (OSError, duckdb.Error) as error:
        words = str(error).splitlines()[0]
        return None, MeterError(
            f"the ledger cannot be read: {words}", hint="is it a ledger, and may this user read it and its folder?"
        )


_COUNTS = "SELECT calls, outcomes, duplicates, dead_letters, last_at FROM ledger.ingested"
_UNPRICED = """
SELECT
    count(*) FILTER (price_status IN ('unpriced', 'partial')),
    count(*),
    count(*) FILTER (started_at > now())
FROM ledger.all_calls
"""
_GONE = """
SELECT
    coalesce(sum(lost), 0)::BIGINT,
    coalesce(sum(lost) FILTER (updated_at > now() - to_days($days)), 0)::BIGINT
FROM ledger.checkpoints
WHERE NOT list_contains($names, segment)
"""
_UNREAD = "SELECT count(*) FROM ledger.dead_letters WHERE recorded_at > now() - to_days($days)"
_FAILURES = """
SELECT step, sum(failed)::BIGINT
FROM (
    SELECT unnest(map_keys(steps)) AS step, unnest(map_values(steps)) AS failed
    FROM (
        SELECT failures::MAP(VARCHAR, BIGINT) AS steps
        FROM ledger.checkpoints
        WHERE NOT list_contains($names, segment) AND updated_at > now() - to_days($days)
    )
)
GROUP BY step
"""
_POSITIONS = (
    "SELECT segment, max(position) FROM ledger.checkpoints WHERE list_contains($names, segment) GROUP BY segment"
)


def _read(connection: DuckDBPyConnection, names: list[str]) -> Ledgered:
    values = {"names": names, "days": RECENT_DAYS}
    schema = connection.execute("SELECT max(version) FROM ledger.migrations").fetchone()
    counts = connection.execute(_COUNTS).fetchone()
    unpriced = connection.execute(_UNPRICED).fetchone()
    lost = connection.execute(_GONE, values).fetchone()
    unread = connection.execute(_UNREAD, {"days": RECENT_DAYS}).fetchone()
    assert schema and counts and unpriced and lost and unread
    calls, outcomes, duplicates, dead_letters, last_ingest = counts
    return Ledgered(
        schema[0],
        calls,
        outcomes,
        duplicates,
        dead_letters,
        last_ingest,
        unpriced_share=unpriced[0] / unpriced[1] if unpriced[1] else 0.0,
        ahead=unpriced[2],
        lost=lost[0],
        positions=dict(connection.execute(_POSITIONS, {"names": names}).fetchall()),
        lost_recently=lost[1],
        dead_letters_recently=unread[0],
        failures_recently=Counter(dict(connection.execute(_FAILURES, values).fetchall())),
    )


def _waiting(found: Sequence[Segment], ledger: Ledgered | None) -> dict[str, int]:
    positions = ledger.positions if ledger else {}
    left = {segment.name: segment.size - positions.get(segment.name, 0) for segment in found}
    return {name: size for name, size in left.items() if size > 0}


def _since(found: Sequence[Segment], ledger: Ledgered | None) -> datetime | None:
    """Return when the oldest record that waits was made: the first line that was not read yet tells."""
    positions = ledger.positions if ledger else {}
    times = [
        moment for segment in found if (moment := _first_time(segment, positions.get(segment.name, 0))) is not None
    ]
    return datetime.fromtimestamp(min(times) / 1e6).astimezone() if times else None


def _first_time(segment: Segment, position: int) -> int | None:
    with suppress(OSError, ValueError), segment.path.open("rb") as file:
        file.seek(position)
        return event.decode(file.read(LINE_BYTES).lstrip(b"\n").partition(b"\n")[0]).ts
    return None


def _command(pid: int) -> str | None:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return b" ".join(words).decode("utf-8", "replace").strip()[:60] or None
    return None


def spool_limit() -> int:
    """Return the spool's largest size."""
    return settings.get().spool_max_bytes
