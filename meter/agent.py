"""One turn of the agent: move what services recorded into the ledger, and send the metrics that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from meter import queries, risk
from meter.errors import SettingInvalid
from meter.exporters import otlp, samples
from meter.ledger import Ingested, Ledger, ingest, tidy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TAGS = ("team",)
"""Keys of the tags that become attributes of metrics: each multiplies the series, so only what is named here does."""


@dataclass(frozen=True)
class AgentRun:
    """What one turn did. Without an endpoint nothing was sent."""

    ingested: Ingested
    endpoint: str | None
    samples: int


def run_once(
    ledger: Ledger,
    *,
    tags: Sequence[str] = TAGS,
    now: datetime | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> AgentRun:
    """Ingest the whole spool, then send every metric once, if OTEL_EXPORTER_OTLP_* says where to.

    Raises MeterError when the ledger is held by someone else or the collector does not take the metrics: what was
    ingested stays, and the next turn sends the same sums.
    """
    ingested = ingest(ledger, progress=progress)
    tidy(ledger)
    target = otlp.endpoint()
    if target is None:
        return AgentRun(ingested, None, 0)
    exporter = otlp.build(lambda: read(ledger, tags=tags, now=now))
    try:
        return AgentRun(ingested, target, exporter.export())
    finally:
        exporter.close()


def read(ledger: Ledger, *, tags: Sequence[str] = TAGS, now: datetime | None = None) -> list[samples.Sample]:
    """Return every sample of every metric query, as the ledger has it now."""
    values = {
        "now": now or datetime.now(timezone.utc),
        "tags": list(tags),
        "multipliers": _multipliers(ledger),
    }
    with ledger.reading() as connection:
        return samples.read(connection, queries.load("metrics"), values, since=_began(connection))


def _multipliers(ledger: Ledger) -> list[dict[str, str]]:
    """Return what provider margins say; nothing while meter.toml is wrong about them, which stops no other metric."""
    try:
        return risk.multipliers(risk.claims(ledger.home.config))
    except SettingInvalid as error:
        ledger.refused = error
        return []


def _began(connection: DuckDBPyConnection) -> datetime:
    """Return when every sum was 0: when the ledger was laid out. It outlives restarts, so no counter ever seems to start anew."""
    ((began,),) = connection.execute("SELECT applied_at FROM ledger.migrations WHERE version = 1").fetchall()
    assert isinstance(began, datetime)
    return began
