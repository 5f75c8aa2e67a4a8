"""Three months of calls, a few of each kind, and what a ledger says of them."""

from __future__ import annotations

from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from meter.ledger import Ledger, cold, exporting, ingest
from meter.ledger.cold import ColdMonth
from tests.ledger.books import assert_days_tie
from tests.ledger.records import call, outcome, segment

MONTHS = ("2025-11", "2025-12", "2026-01")
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
NOVEMBER, DECEMBER = date(2025, 11, 1), date(2025, 12, 1)

KINDS: tuple[dict[str, Any], ...] = (
    {"raw": {"prompt_tokens": 1000}},
    {"usage": {"input": 10, "output": 7, "web_searches": 2, "cache_write_1h": 3}, "tags": {"team": "ranking"}},
    {"request_model": "nobody-knows-it", "response_model": "nobody-knows-it", "context": {"batch": "1"}},
    {"usage": None, "source": "missing", "status": "error", "error": "RateLimitError", "tags": None},
    {"provider": "openrouter", "request_model": "a/b", "response_model": "a/b", "reported_cost": "0.000000000123"},
    {"trace": "0123456789abcdef0123456789abcdef", "span": "ffffffffffffffff", "response_id": "resp", "stream": True},
)


def at(moment: str) -> int:
    """Return a time in UTC as lines have it."""
    return int(datetime.fromisoformat(f"{moment}+00:00").replace(tzinfo=timezone.utc).timestamp()) * 1_000_000


def lines(month: str) -> list[bytes]:
    """Return a month's calls, one in its first microsecond and one in its last second, and an outcome."""
    moments = ["01T00:00:00", "02T10:00:00", "15T11:00:00", "20T12:00:00", "28T13:00:00", "30T23:59:59"]
    calls = [call(at(f"{month}-{moment}"), **kind) for moment, kind in zip(moments, KINDS, strict=True)]
    return [*calls, outcome(at(f"{month}-03T00:00:00"))]


def filled(ledger: Ledger) -> list[bytes]:
    """Ingest all months; return their lines."""
    written = [line for month in MONTHS for line in lines(month)]
    segment(ledger.home, *written)
    ingest(ledger)
    return written


FACTS = (
    "FROM calls ORDER BY ALL",
    "FROM charges ORDER BY ALL",
    "FROM spend_daily ORDER BY ALL",
    "FROM unpriced ORDER BY ALL",
    "FROM coverage ORDER BY ALL",
    "FROM cache_savings ORDER BY ALL",
    "FROM ledger.billed_usage ORDER BY ALL",
    "FROM ledger.all_raw_usage ORDER BY ALL",
    "SELECT typeof(COLUMNS(*)) FROM ledger.all_calls ORDER BY ALL",
)


def facts(ledger: Ledger) -> list[list[Any]]:
    """Return everything the ledger says of its calls; the sums by day say the same."""
    assert_days_tie(ledger)
    with ledger.reading() as con:
        return [con.execute(query).fetchall() for query in FACTS]


def moved(ledger: Ledger, before: date = JANUARY, folder: Path | None = None) -> list[exporting.Moved]:
    """Move the months before a date out of the ledger's file."""
    return list(exporting.move_out(ledger, folder or ledger.home.path / "cold", before))


def cold_months(ledger: Ledger) -> list[ColdMonth]:
    """Return the months that were moved, as the ledger knows them."""
    with ledger.writing() as con:
        return cold.months(con)
