"""Usage objects read again: what an older Meter misread comes right, as a revision; nothing else changes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from meter.errors import PeriodClosed
from meter.ledger import Ledger
from meter.ledger.repricing import Difference, Rereading, Revision, measure, write
from tests.ledger.books import (
    ALL,
    MINI,
    NOW,
    assert_revisions_tie,
    assert_ties,
    close,
    filled,
    metric,
    multiply,
    tables,
)
from tests.ledger.records import TS, call, rows, value

RAW = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 400},
    "completion_tokens_details": {"reasoning_tokens": 50},
}
RIGHT = {"input": 600, "cache_read": 400, "output": 150, "reasoning": 50}
MISREAD = {"input": 1000, "output": 200}
"""As a Meter would have it that did not know where cached tokens are stated."""
FIGURES = "SELECT * EXCLUDE (call_id, started_at, tag_set_id, tags) FROM calls ORDER BY started_at"


def reread(ledger: Ledger, **more: Any) -> tuple[Difference, Revision | None]:
    said = {"who": "me@here", "why": "a test", "now": NOW, "rereading": Rereading()}
    return write(ledger, ALL, **{**said, **more})


def usage(ledger: Ledger) -> list[dict[str, Decimal]]:
    return [found for (found,) in rows(ledger, "SELECT usage FROM ledger.billed_usage ORDER BY started_at, id")]


def test_what_was_misread_comes_right_to_the_last_digit(ledger: Ledger) -> None:
    filled(ledger, call(usage=MISREAD, raw=RAW), call(TS + 1, usage=RIGHT, raw=RAW))
    found, revision = reread(ledger)
    assert (found.looked_at, found.changed) == (2, 1)
    assert revision is not None and revision.calls == 1
    misread, right = rows(ledger, FIGURES)
    assert misread == right
    assert [(name, int(old), int(new)) for name, old, new in found.usage] == [
        ("cache_read", 0, 400), ("input", 1000, 600), ("output", 200, 150), ("reasoning", 0, 50),
    ]  # fmt: skip
    assert_ties(ledger)
    assert_revisions_tie(ledger)


def test_a_second_time_changes_nothing(ledger: Ledger) -> None:
    filled(ledger, call(usage=MISREAD, raw=RAW))
    reread(ledger)
    before = tables(ledger)
    assert reread(ledger)[1] is None
    assert tables(ledger) == before


def test_asking_what_would_change_changes_nothing(ledger: Ledger) -> None:
    filled(ledger, call(usage=MISREAD, raw=RAW))
    before = tables(ledger)
    shown = measure(ledger, ALL, rereading=Rereading())
    assert (shown.changed, tables(ledger)) == (1, before)
    assert reread(ledger, shown=shown)[1] is not None


def test_a_call_that_reads_as_before_is_not_priced_anew(ledger: Ledger) -> None:
    filled(ledger, call(usage=RIGHT, raw=RAW))
    multiply(ledger, 2, MINI)
    assert reread(ledger)[1] is None


def test_without_its_usage_object_a_call_stays_as_it_is(ledger: Ledger) -> None:
    filled(ledger, call(usage=MISREAD), call(TS + 1, usage=None, source="missing"))
    rereading = Rereading()
    assert reread(ledger, rereading=rereading)[1] is None
    assert rereading.read == 0


def test_a_wire_that_nobody_knows_is_counted_and_left(ledger: Ledger) -> None:
    filled(ledger, call(usage=MISREAD, raw=RAW, api="acme.chat"))
    rereading = Rereading()
    assert reread(ledger, rereading=rereading)[1] is None
    assert rereading.unknown == {"openai/acme.chat": 1}


@pytest.mark.parametrize(
    "raw", [{}, {"tokens": 3}, [1], "a text", {"prompt_tokens": "many"}, {"prompt_tokens": 10**15}]
)
def test_a_usage_object_that_says_nothing_changes_nothing(ledger: Ledger, raw: Any) -> None:
    filled(ledger, call(usage=MISREAD, raw=raw))
    before = tables(ledger)
    assert reread(ledger)[1] is None
    assert tables(ledger) == before


def test_usage_of_an_unknown_shape_takes_the_place_of_its_estimate(ledger: Ledger) -> None:
    filled(
        ledger,
        call(usage=None, source="missing", raw=RAW, sent_chars=4000, seen_chars=None),
        call(TS + 1, usage=RIGHT, raw=RAW),
    )
    assert value(ledger, "SELECT usage_source FROM calls ORDER BY started_at LIMIT 1") == "estimated"
    reread(ledger)
    rescued, right = rows(ledger, FIGURES)
    assert rescued == right
    assert rows(ledger, "SELECT estimated_usage, reported_usage, reported_source FROM ledger.calls LIMIT 1") == [
        (None, None, None)
    ]
    assert_ties(ledger)


def test_what_a_broken_stream_stated_is_read_again_and_the_rest_estimated_anew(ledger: Ledger) -> None:
    facts: dict[str, Any] = {
        "provider": "anthropic", "api": "anthropic.messages", "request_model": "claude-sonnet-4-5",
        "response_model": "claude-sonnet-4-5", "source": "partial", "status": "aborted", "stream": True,
        "sent_chars": 4000, "seen_chars": 400, "raw": {"input_tokens": 100, "cache_read_input_tokens": 900, "output_tokens": 1},
    }  # fmt: skip
    filled(
        ledger,
        call(**{**facts, "usage": {"input": 1000}}),
        call(TS + 1, **{**facts, "usage": {"input": 100, "cache_read": 900}}),
    )
    assert (reread(ledger)[0]).changed == 1
    misread, right = rows(ledger, FIGURES)
    assert misread == right
    (found, _) = usage(ledger)
    assert [int(found[name]) for name in ("input", "cache_read")] == [100, 900]
    assert found["output"] > 1  # estimated: what stood there is a placeholder
    assert_ties(ledger)


def test_fees_that_the_answer_told_elsewhere_are_kept(ledger: Ledger) -> None:
    raw = {"input_tokens": 1000, "output_tokens": 200, "input_tokens_details": {"cached_tokens": 400}}
    fees = {"web_searches": 2, "code_executions": 1}
    filled(ledger, call(api="openai.responses", usage={**MISREAD, **fees}, raw=raw))
    reread(ledger)
    (found,) = usage(ledger)
    assert found == {"input": 600, "cache_read": 400, "output": 200, **fees}


def test_tier_place_and_stated_cost_are_read_too(ledger: Ledger) -> None:
    raw = {
        "input_tokens": 10, "output_tokens": 5, "service_tier": "batch", "inference_geo": "eu", "speed": "fast",
    }  # fmt: skip
    common: dict[str, Any] = {"usage": {"input": 10, "output": 5}, "context": {"processing": "batch"}}
    filled(
        ledger,
        call(provider="anthropic", api="anthropic.messages", request_model="claude-sonnet-4-5", raw=raw, **common),
        call(
            TS + 1, provider="openrouter", raw={"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.0123}, **common
        ),
    )
    assert reread(ledger)[0].changed == 2
    first, second = rows(
        ledger,
        "SELECT service_tier, region, context, reported_cost, reported_currency FROM ledger.calls ORDER BY started_at",
    )
    assert (first[0], first[1], json.loads(first[2])) == ("batch", "eu", {"processing": "batch", "speed": "fast"})
    assert second[3:] == (Decimal("0.0123"), "USD")
    assert reread(ledger)[1] is None


def test_a_closed_month_is_left_alone(ledger: Ledger) -> None:
    filled(ledger, call(usage=MISREAD, raw=RAW))
    close(ledger, "2025-11")
    before = tables(ledger)
    with pytest.raises(PeriodClosed, match="2025-11") as caught:
        reread(ledger)
    assert caught.value.hint == "begin later with --since 2025-12-01"
    assert tables(ledger) == before


TOKENS = (
    *("tokens", "gen_ai_input_tokens", "gen_ai_output_tokens"),
    *("gen_ai_cache_read_tokens", "gen_ai_reasoning_tokens"),
)


def test_sums_of_tokens_never_fall_and_the_difference_is_a_metric(ledger: Ledger) -> None:
    filled(ledger, call(usage={"input": 900, "cache_read": 500, "output": 190, "reasoning": 60}, raw=RAW))
    before = {name: metric(ledger, name) for name in TOKENS}
    reread(ledger)
    after = {name: metric(ledger, name) for name in TOKENS}
    assert {name: {k: v for k, v in found.items() if v} for name, found in after.items()} == before
    revised = {dict(series)["usage_class"]: amount for series, amount in metric(ledger, "tokens_revision").items()}
    assert revised == {"input": -300, "cache_read": -100, "output": -40, "reasoning": -10}
    assert value(ledger, "SELECT DISTINCT usage_difference FROM revisions") == revised
    assert value(ledger, "SELECT kind FROM revisions") == "reread"
