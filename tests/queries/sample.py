"""A small organisation's calls, by hand: two months, three teams, and everything that makes a total incomplete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from meter import event, recorder, settings
from meter import home as homes
from meter.home import Home
from meter.ledger import Ledger, ingest

NOW = datetime(2026, 10, 20, 12, tzinfo=timezone.utc)
THIS_MONTH = {"from": "2026-10-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}
LAST_MONTH = {"from": "2026-09-01T00:00:00Z", "to": "2026-10-01T00:00:00Z"}

MINI = {
    "provider": "openai",
    "operation": "chat",
    "request_model": "gpt-4o-mini",
    "response_model": "gpt-4o-mini-2024-07-18",
}
SONNET = {
    "provider": "anthropic",
    "operation": "chat",
    "request_model": "claude-sonnet-4-5",
    "response_model": "claude-sonnet-4-5",
}
STRANGE = {
    "provider": "openai",
    "operation": "chat",
    "request_model": "nobody-knows-it",
    "response_model": "nobody-knows-it",
}
ROUTED = {"provider": "openrouter", "operation": "chat", "request_model": "some/model", "response_model": "some/model"}
CUT = {**MINI, "source": "missing", "status": "aborted", "stream": True, "sent_chars": 400, "seen_chars": 100}
SEARCH, ANSWERS = {"team": "search", "feature": "ranking"}, {"team": "answers", "cost_center": "CC-7"}

Recorded = tuple[str, dict[str, Any]]

CALLS: list[Recorded] = [
    ("2026-09-10T08:00", {**MINI, "usage": {"input": 600, "cache_read": 400, "output": 150, "reasoning": 50}, "tags": SEARCH}),
    ("2026-09-30T23:59", {**SONNET, "usage": {"input": 1000, "cache_write_5m": 2000, "output": 300}, "tags": ANSWERS}),
    ("2026-10-01T00:00", {**MINI, "usage": {"input": 7, "output": 3}, "tags": SEARCH}),
    ("2026-10-05T09:00", {**SONNET, "usage": {"input": 123_457, "cache_read": 89, "output": 1_001}, "tags": ANSWERS}),
    ("2026-10-05T10:00", {**MINI, "usage": {"input": 1000, "output": 200}}),
    ("2026-10-20T01:00", {**MINI, "usage": {"input": 31, "output": 17}, "tags": {"team": ""}}),
    ("2026-10-20T02:00", {**MINI, "operation": "embeddings", "response_model": "text-embedding-3-small", "usage": {"input": 11}}),
    ("2026-10-06T10:00", {**MINI, "status": "error", "error": "RateLimitError", "response_model": None, "tags": SEARCH}),
    ("2026-10-07T10:00", {**STRANGE, "usage": {"input": 50}}),
    ("2026-10-08T10:00", {**SONNET, "usage": {"input": 5, "output": 2, "web_fetches": 1, "code_executions": 1}, "tags": SEARCH}),
    ("2026-10-09T10:00", {**MINI, "usage": {"input": 40, "input_audio": 8, "output": 2, "output_audio": 1}, "tags": SEARCH}),
    ("2026-10-10T10:00", {**ROUTED, "usage": {"input": 70, "output": 9}, "reported_cost": "0.000000000123"}),
    ("2026-10-11T10:00", CUT),
]  # fmt: skip
IN_EUROS = ("2026-10-12T10:00", {**ROUTED, "usage": {"input": 1}, "reported_cost": "1.5", "reported_currency": "EUR"})


def record(calls: Sequence[Recorded]) -> None:
    """Write the calls to the spool in force."""
    for started_at, fields in calls:
        ts = int(datetime.fromisoformat(f"{started_at}+00:00").timestamp()) * 1_000_000
        known = {"source": "reported", "status": "ok"} if "usage" in fields else {"status": "ok"}
        recorder.write(event.Call(event.SCHEMA, event.new_id(ts), ts, **{**known, **fields}))


def sample_ledger(home: Home, *more: Recorded) -> Ledger:
    """Return a ledger that holds the sample's calls."""
    record([*CALLS, *more])
    recorder.close()
    ledger = Ledger(home)
    assert ingest(ledger).dead_letters == 0
    return ledger


def made(folder: Path, calls: Sequence[Recorded] = CALLS) -> Ledger:
    """Return a ledger of a fresh home in the folder, for a fixture that outlives a test's own settings."""
    settings.configure(home=str(folder / "home"))
    try:
        ledger = Ledger(homes.find())
        record(calls)
        recorder.close()
        ingest(ledger)
        with ledger.writing():
            return ledger
    finally:
        settings.reset()
