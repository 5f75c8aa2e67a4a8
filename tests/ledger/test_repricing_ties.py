"""Whatever is recorded and repriced, charges, calls and revisions tie out, and counters never fall."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meter import event
from meter.home import Home, ensure
from meter.ledger import Ledger
from meter.ledger.repricing import measure
from meter.names import CLASSES
from tests.ledger.books import (
    ALL,
    COMMITMENT,
    DAY,
    EUROS,
    FIFTH_OFF,
    MINI,
    NOVEMBER,
    SONNET,
    assert_revisions_tie,
    assert_ties,
    contract,
    filled,
    in_currency,
    metric,
    multiply,
    reprice,
    restore,
    withdraw,
)
from tests.ledger.records import TS, call

EXAMPLES = 60 if os.environ.get("METER_TEST_ALL") else 8
TEXT = st.text(max_size=6)
MODELS = [
    ("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("openai", "gpt-4o-mini", None),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("gcp.gemini", "gemini-2.5-pro", "gemini-2.5-pro"),
    ("openai", "no-such-model", None),
    (None, None, None),
]
COUNTS = st.integers(0, event.MAX_COUNT) | st.integers(0, 10**6).map(lambda n: n / 64)
USAGE = st.none() | st.dictionaries(st.sampled_from([c.name for c in CLASSES]) | TEXT, COUNTS, max_size=5)
CHARS = st.none() | st.just(0) | st.integers(0, 10**6)


@st.composite
def calls(draw: st.DrawFn) -> bytes:
    provider, asked, answered = draw(st.sampled_from(MODELS))
    fields: dict[str, Any] = {
        "provider": provider,
        "request_model": asked,
        "response_model": answered,
        "account": draw(st.sampled_from([None, "org-1"])),
        "usage": draw(USAGE),
        "source": draw(st.sampled_from([None, "reported", "partial", "missing"])),
        "status": draw(st.sampled_from(["ok", "error", "aborted"])),
        "sent_chars": draw(CHARS),
        "seen_chars": draw(CHARS),
        "tier": draw(st.sampled_from([None, None, "default", "priority", "batch"])),
        "requested_tier": draw(st.sampled_from([None, "auto", "flex"])),
        "region": draw(st.sampled_from([None, "eu"])),
        "context": draw(st.none() | st.dictionaries(st.sampled_from(["speed", "processing", "x"]), TEXT, max_size=2)),
        "reported_cost": draw(st.none() | st.decimals(0, 10**6, places=12).map(str)),
        "reported_currency": draw(st.sampled_from([None, "EUR"])),
        "tags": draw(st.none() | st.dictionaries(st.just("team"), TEXT, max_size=1)),
    }
    return call(TS + draw(st.integers(0, 90)) * DAY, **fields)


CHANGES = st.sampled_from(
    [
        ("priced otherwise", lambda ledger, model: multiply(ledger, "1.5", model)),
        ("free", lambda ledger, model: multiply(ledger, 0, model)),
        ("without a price", withdraw),
        ("priced again", restore),
        ("in another currency", lambda ledger, model: in_currency(ledger, "EUR", model)),
        ("a fifth off", lambda ledger, _: contract(ledger, FIFTH_OFF)),
        ("euros for one account", lambda ledger, _: contract(ledger, EUROS)),
        ("a commitment", lambda ledger, _: contract(ledger, COMMITMENT)),
        ("no contract", lambda ledger, _: contract(ledger, "")),
    ]
)
SCOPES = st.sampled_from([ALL, NOVEMBER, replace(ALL, model="gpt-*"), replace(ALL, provider="anthropic")])
STEPS = st.lists(
    st.tuples(CHANGES, st.sampled_from([MINI, SONNET]), SCOPES, st.lists(calls(), max_size=3)), min_size=1, max_size=3
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=st.lists(calls(), min_size=1, max_size=12), steps=STEPS)
def test_whatever_was_recorded_and_repriced_money_ties_out_and_counters_never_fall(
    laid_out: Path, first: list[bytes], steps: list[Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        ensure(home)
        shutil.copy(laid_out, home.ledger)
        ledger = filled(Ledger(home), *first)
        assert measure(ledger, ALL).changed == 0
        for (_, change), model, scope, more in steps:
            before = metric(ledger, "spend")
            change(ledger, model)
            shown = measure(ledger, scope)
            done = reprice(ledger, scope, shown=shown)
            assert (done is not None) == (shown.changed > 0)
            assert measure(ledger, scope).changed == 0
            assert_ties(ledger)
            assert_revisions_tie(ledger)
            assert metric(ledger, "spend") == {**metric(ledger, "spend"), **before}
            filled(ledger, *more)
            after = metric(ledger, "spend")
            assert all(after[series] >= amount for series, amount in before.items())
