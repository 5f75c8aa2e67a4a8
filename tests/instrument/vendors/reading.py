"""What was recorded, read back without any SDK."""

from __future__ import annotations

import gc
import json
import time
from decimal import Decimal
from typing import Any

from meter.home import Home
from meter.providers import history
from meter.providers.progress import reader_of
from tests.conftest import lines_of

Line = dict[str, Any]


def calls(home: Home) -> list[Line]:
    """Return the calls recorded so far, in their order."""
    gc.collect()
    lines = [line for line in map(json.loads, lines_of(home)) if line["kind"] == "call"] if home.spool.exists() else []
    return sorted(lines, key=lambda line: (line["ts"], line["id"]))


def settled(home: Home) -> Line:
    """Return the one call that was recorded, once its SDK has let go of it: some hold a stream a moment longer in a thread."""
    for _ in range(50):
        if calls(home):
            break
        time.sleep(0.1)
    return only(home)


def only(home: Home) -> Line:
    """Return the one call that was recorded."""
    found = calls(home)
    assert len(found) == 1, [(line["api"], line["status"]) for line in found]
    return found[0]


def classes(line: Line) -> dict[str, float]:
    """Return the classes of which there were some."""
    return {name: count for name, count in (line.get("usage") or {}).items() if count}


def reread(line: Line) -> dict[str, float] | None:
    """Return the usage of a call as it is read from its usage object later; None where it keeps none."""
    if line.get("raw") is None:
        return None
    dialect = history.wire(line["provider"], line["api"])
    assert dialect is not None, f"no wire is known as {line['provider']}/{line['api']}"
    stored = {name: Decimal(str(count)) for name, count in (line.get("usage") or {}).items()}
    found = history.reread(
        reader_of(dialect),
        json.dumps(line["raw"]),
        line.get("response_model"),
        line.get("request_model"),
        stored,
        is_partial=line["source"] == "partial",
    )
    return {name: float(count) for name, count in found.usage.items()}
