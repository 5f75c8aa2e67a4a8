"""Lines as services write them, and segments made of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from meter import event
from meter.home import Home
from meter.ledger import Ledger

ROOT = Path(__file__).parents[2]
TS = 1_763_000_000_000_000
"""2025-11-13 02:13:20 UTC."""


def call(ts: int = TS, **fields: Any) -> bytes:
    """Return the line of a call that costs 0.00024 USD."""
    known: dict[str, Any] = {
        "provider": "openai",
        "server": "api.openai.com",
        "operation": "chat",
        "api": "openai.chat",
        "request_model": "gpt-4o-mini",
        "response_model": "gpt-4o-mini-2024-07-18",
        "usage": {"input": 600, "cache_read": 400, "output": 150, "reasoning": 50},
        "source": "reported",
        "status": "ok",
        "tags": {"team": "search"},
    }
    return event.encode(event.Call(**{"v": 1, "id": event.new_id(ts), "ts": ts, **known, **fields}))


def outcome(ts: int = TS, **fields: Any) -> bytes:
    """Return the line of an outcome."""
    known: dict[str, Any] = {
        "v": 1,
        "id": event.new_id(ts),
        "ts": ts,
        "name": "ticket_resolved",
        "value": "4.20",
        "currency": "USD",
    }
    return event.encode(event.Outcome(**{**known, **fields}))


def process(ts: int = TS, **fields: Any) -> bytes:
    """Return the line that opens a segment."""
    known: dict[str, Any] = {
        "v": 1,
        "id": event.new_id(ts),
        "ts": ts,
        "service": "shop",
        "pid": 7,
        "hooks": {"openai": "patched"},
    }
    return event.encode(event.Process(**{**known, **fields}))


def segment(home: Home, *lines: bytes, end: bytes = b"") -> Path:
    """Write a segment whose writer is gone; `end` stands after the last record."""
    path = home.spool / f"{os.urandom(16).hex()}.ndjson"
    path.write_bytes(framed(lines) + end)
    return path


def framed(lines: Iterable[bytes]) -> bytes:
    """Return the lines as a writer frames them."""
    return b"".join(b"\n" + line + b"\n" for line in lines)


def rows(ledger: Ledger, query: str) -> list[Any]:
    """Ask the ledger."""
    with ledger.reading() as con:
        return list(con.execute(query).fetchall())


def value(ledger: Ledger, query: str) -> Any:
    """Ask the ledger for one value."""
    ((found,),) = rows(ledger, query)
    return found


def counts(ledger: Ledger) -> dict[str, int]:
    """Return how many rows each table of lines has."""
    names = ("calls", "outcomes", "processes", "dead_letters")
    return {name: value(ledger, f"SELECT count(*) FROM ledger.{name}") for name in names}


def child(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Start a Python process of its own that runs the code with the arguments."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
