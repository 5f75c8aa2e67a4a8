"""No total without what it leaves out: beside it in words, with a bound where there is one, and as an exit code when asked."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import meter
from meter import recorder
from meter.home import Home
from meter.ledger import Ledger, ingest
from tests.cli.running import MARCH, run

TOTALS = (
    ("spend",),
    ("spend", "--by", "provider", "--since", "1h"),
    ("report", "totals", "--since", "1h"),
    ("report", "unpriced", "--since", "1h"),
    ("report", "savings", "--since", "1h"),
    ("report", "context_cost", "--since", "1h"),
    ("sql", "SELECT sum(effective_cost) FROM calls"),
    ("sql", "FROM savings"),
    ("sql", "SELECT sum(effective_cost) FROM context_cost"),
    ("risk",),
    (),
)


def record_now(home: Home, *models: str) -> None:
    """Leave a call of a moment ago of each model in the ledger."""
    recorder.process_facts = None  # other tests of this process have patched SDKs, or broken them on purpose
    moment = datetime.now(timezone.utc) - timedelta(seconds=5)
    for model in models:
        usage = {"input": 1_000_000, "output": 100_000}
        meter.record(
            provider="openai", model=model, usage=usage, started_at=moment, response_id=model, tags={"team": "a"}
        )
    recorder.close()
    ingest(Ledger(home))


@pytest.mark.parametrize("words", TOTALS, ids=" ".join)
def test_strict_exits_with_3_wherever_a_total_leaves_something_out(sample: Home, words: tuple[str, ...]) -> None:
    record_now(sample, "GPT4o-mini")
    assert run(*words).code == 0
    assert run(*words, "--strict").code == 3


@pytest.mark.parametrize("words", TOTALS, ids=" ".join)
def test_strict_exits_with_0_where_everything_has_a_price(home: Home, words: tuple[str, ...]) -> None:
    record_now(home, "gpt-4o-mini")
    assert run(*words, "--strict").code == 0


def test_strict_before_a_command_says_where_it_belongs(sample: Home) -> None:
    assert sample.ledger.exists()
    refused = run("--strict", "spend")
    assert refused.code == 2
    assert "meter spend --strict" in refused.err


def test_the_unpriced_share_stands_beside_a_total_with_its_bound(sample: Home) -> None:
    record_now(sample, "GPT4o-mini")
    said = "; unpriced: 33.3 % of the calls; if priced like their nearest relatives, 0.21 USD more"
    for words in (("spend", "--since", "1h"), ("report", "totals", "--since", "1h")):
        assert said in run(*words).err
    assert "% unpriced: 0.21 USD" in run().out


def test_a_bound_is_a_span_and_says_what_it_leaves_out(sample: Home) -> None:
    record_now(sample, "GPT4o-mini", "gpt-9-mini", "like-no-other")
    said = run("spend", "--since", "1h").err
    low, _, high = said.partition("nearest relatives, ")[2].partition(" USD more")[0].partition(" to ")
    assert 0.21 < float(low) < float(high)
    assert "more; 20.0 % have no such bound" in said


def test_the_report_of_what_is_unpriced_names_the_likely_alias(sample: Home) -> None:
    record_now(sample, "GPT4o-mini")
    shown = run("report", "unpriced", "--since", "1h", "--format", "csv").out
    assert "GPT4o-mini" in shown
    assert "openai/gpt-4o-mini" in shown


@pytest.mark.parametrize(
    "words", [["spend", *MARCH], ["report", "teams", *MARCH], ["sql", "SELECT count(*) FROM calls"]]
)
def test_strict_exits_with_3_when_something_is_unpriced(sample: Home, words: list[str]) -> None:
    assert run(*words).code == 0
    assert run(*words, "--strict").code == 3
    assert run("spend", "--since", "1h", "--strict").code == 0


def record_without_usage(home: Home, **fields: Any) -> None:
    """Leave a call of a moment ago whose usage nobody stated."""
    record_now(home, "gpt-4o-mini")
    call = recorder.start()
    call.provider, call.request_model, call.status, call.source = "openai", "gpt-4o-mini", "ok", "missing"
    for name, value in fields.items():
        setattr(call, name, value)
    recorder.write(call)
    recorder.close()
    ingest(Ledger(home))


@pytest.mark.parametrize("words", TOTALS, ids=" ".join)
def test_a_call_that_went_well_without_usage_is_told_and_makes_strict_exit_with_3(
    home: Home, words: tuple[str, ...]
) -> None:
    record_without_usage(home)
    told = run(*words)
    assert told.code == 0
    assert "without usage" in told.out + told.err
    assert run(*words, "--strict").code == 3


@pytest.mark.parametrize("words", TOTALS, ids=" ".join)
def test_a_call_that_failed_without_usage_leaves_no_total_incomplete(home: Home, words: tuple[str, ...]) -> None:
    record_without_usage(home, status="error", error="RateLimitError")
    done = run(*words, "--strict")
    assert done.code == 0
    assert "without usage" not in done.err
