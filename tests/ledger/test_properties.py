"""Whatever stands in the spool: each line is a call, an outcome, a process, a dead letter or a duplicate, and money ties out."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meter import event
from meter.home import Home, ensure
from meter.ledger import Ingested, Ledger, ingest
from meter.names import CLASSES
from tests.ledger.books import assert_days_tie
from tests.ledger.records import TS, call, counts, framed, outcome, process, rows

MODELS = [
    ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("gcp.gemini", "gemini-2.5-pro", "gemini-2.5-pro"),
    ("openai", "no-such-model", None),
    (None, None, None),
]
TEXT = st.text(max_size=8)
TAGS = st.none() | st.dictionaries(TEXT, TEXT, max_size=3)
WHOLE = st.integers(0, event.MAX_COUNT)
COUNTS = WHOLE | st.integers(0, 10**6).map(lambda n: n / 64)
USAGE = st.none() | st.dictionaries(st.sampled_from([c.name for c in CLASSES]) | TEXT, COUNTS, max_size=6)
IDS = st.integers(0, 3).map(lambda n: event.new_id(TS)[:12] + f"{n:020x}")  # few, so that some come twice


@st.composite
def good(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(["call", "call", "call", "outcome", "process"]))
    common: dict[str, Any] = {"ts": TS + draw(st.integers(-(10**13), 10**13))}
    if draw(st.booleans()):
        common["id"] = draw(IDS)
    if kind == "process":
        return process(**common)
    common["tags"] = draw(TAGS)
    if kind == "outcome":
        return outcome(value=draw(st.none() | st.decimals(-(10**9), 10**9, places=12).map(str)), **common)
    provider, asked, answered = draw(st.sampled_from(MODELS))
    cost = draw(st.none() | st.decimals(0, 10**6, places=12).map(str))
    source = draw(st.sampled_from([None, "reported", "partial", "missing"]))
    seen = draw(st.none() | st.integers(0, 10**6))
    names: dict[str, Any] = {
        "provider": provider,
        "request_model": asked,
        "response_model": answered,
        "source": source,
        "seen_chars": seen,
    }
    return call(usage=draw(USAGE), reported_cost=cost, **names, **common)


def broken(line: bytes, how: int) -> bytes:
    """Make a line bad, or leave it so that nobody can tell."""
    if how == 0:
        return line[: len(line) // 2]
    if how == 1:
        return line + line
    return json.dumps({**json.loads(line), "usage": {"input": 10**18}, "kind": "call"}).encode()


BAD = st.builds(broken, good(), st.integers(0, 2)) | st.binary(max_size=30).map(lambda data: data.replace(b"\n", b""))
LINES = st.lists(good() | good() | good() | BAD, max_size=12)


def blank(line: bytes) -> bool:
    return not line.strip(b" \t\r")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(segments=st.lists(LINES, max_size=3), again=st.booleans())
def test_every_line_is_accounted_for_and_every_cost_ties_out(
    laid_out: Path, segments: list[list[bytes]], again: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        ensure(home)
        shutil.copy(laid_out, home.ledger)
        ledger = Ledger(home)
        first = spooled(ledger, segments)
        check(ledger, first, sum(not blank(line) for lines in segments for line in lines))
        before = counts(ledger)
        if again:
            with ledger.writing() as con:
                con.execute("DELETE FROM ledger.checkpoints")
            second = spooled(ledger, segments)
            assert second.lines == second.duplicates + second.dead_letters
            assert {**counts(ledger), "dead_letters": before["dead_letters"]} == before


def spooled(ledger: Ledger, segments: list[list[bytes]]) -> Ingested:
    for lines in segments:
        (ledger.home.spool / f"{os.urandom(16).hex()}.ndjson").write_bytes(framed(lines))
    return ingest(ledger)


def check(ledger: Ledger, done: Ingested, lines: int) -> None:
    assert done.lines == lines == done.calls + done.outcomes + done.processes + done.duplicates + done.dead_letters
    assert counts(ledger) == {name: getattr(done, name) for name in ("calls", "outcomes", "processes", "dead_letters")}
    assert_days_tie(ledger)
    by_call = rows(ledger, "SELECT call_id, effective_cost, contracted_cost, list_cost, price_status FROM calls")
    by_charge: dict[Any, Decimal] = {}
    for call_id, cost in rows(ledger, "SELECT call_id, effective_cost FROM charges WHERE effective_cost IS NOT NULL"):
        by_charge[call_id] = by_charge.get(call_id, Decimal(0)) + cost
    assert {call_id: cost for call_id, cost, *_ in by_call if cost is not None} == by_charge
    assert all(effective == contracted == listed for _, effective, contracted, listed, _ in by_call)
    assert all((cost is None) == (status in ("unpriced", "no_usage")) for _, cost, *_, status in by_call)
