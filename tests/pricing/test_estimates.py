"""Calls whose usage never arrived: estimated from characters, with bounds, and marked; else unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meter import pricing
from meter.pricing import ratios
from tests.pricing.batches import call, charges, price_calls, price_one

Book = duckdb.DuckDBPyConnection
CUT: dict[str, Any] = {"source": "missing", "status": "aborted"}


def test_a_stream_cut_short_is_priced_by_its_characters_and_says_so(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini", sent_chars=4000, seen_chars=800, **CUT)
    assert row["estimated_usage"] == {"input": Decimal(1000), "output": Decimal(200)}
    assert row["usage_source"] == "estimated"
    assert row["price_status"] == "priced"
    assert row["list_cost"] == row["effective_cost"] == Decimal("0.00015") + Decimal("0.00012")
    assert row["estimate_low"] < row["list_cost"] < row["estimate_high"]
    assert sum(line["list_cost"] for line in charges(book)) == row["list_cost"]


def test_what_the_provider_counted_before_the_cut_is_kept(book: Book) -> None:
    usage = {"input": 19, "cache_read": 7}
    partial = {"source": "partial", "status": "aborted"}
    row = price_one(book, "claude-haiku-4-5", "anthropic", usage=usage, sent_chars=99_999, seen_chars=370, **partial)
    assert row["estimated_usage"] == {"output": Decimal(100)}
    assert {line["usage_class"]: line["quantity"] for line in charges(book)} == {
        "input": 19,
        "cache_read": 7,
        "output": 100,
    }


def test_a_count_so_far_is_the_least_that_is_estimated(book: Book) -> None:
    partial = {"source": "partial", "status": "aborted"}
    row = price_one(book, "gpt-4o-mini", usage={"input": 5, "output": 500}, seen_chars=40, **partial)
    assert row["estimated_usage"] == {"output": Decimal(500)}
    assert row["estimate_low"] == row["list_cost"] == row["estimate_high"]


def test_usage_in_part_without_characters_is_priced_as_far_as_it_goes(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini", usage={"input": 1000}, source="partial", status="aborted")
    assert (row["usage_source"], row["list_cost"], row["estimated_usage"]) == ("partial", Decimal("0.00015"), None)


@pytest.mark.parametrize("chars", [{}, {"sent_chars": 0, "seen_chars": 0}])
def test_without_characters_nothing_is_estimated(book: Book, chars: dict[str, int]) -> None:
    row = price_one(book, "gpt-4o-mini", **CUT, **chars)
    assert (row["price_status"], row["usage_source"], row["list_cost"]) == ("no_usage", "missing", None)


def test_a_call_refused_before_any_answer_is_not_estimated(book: Book) -> None:
    refused = price_one(book, "gpt-4o-mini", sent_chars=4000, source="missing", status="error")
    assert (refused["price_status"], refused["estimated_usage"]) == ("no_usage", None)
    broke_off = price_one(book, "gpt-4o-mini", sent_chars=4000, seen_chars=40, source="missing", status="error")
    assert broke_off["usage_source"] == "estimated"


def test_a_call_cut_before_the_first_token_may_cost_nothing(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini", sent_chars=4000, seen_chars=0, **CUT)
    assert (row["estimate_low"], row["list_cost"]) == (Decimal(0), Decimal("0.00015"))


def test_only_the_side_that_is_known_in_characters_is_estimated(book: Book) -> None:
    assert price_one(book, "gpt-4o-mini", seen_chars=40, **CUT)["estimated_usage"] == {"output": Decimal(10)}
    assert price_one(book, "gpt-4o-mini", sent_chars=40, **CUT)["estimated_usage"] == {"input": Decimal(10)}


def test_an_estimate_of_a_model_without_a_price_has_tokens_but_no_cost(book: Book) -> None:
    row = price_one(book, "acme-private-7b", seen_chars=380, **CUT)
    assert (row["price_status"], row["usage_source"]) == ("unpriced", "estimated")
    assert (row["estimated_usage"], row["list_cost"], row["estimate_low"]) == ({"output": Decimal(100)}, None, None)


def test_an_estimate_takes_the_long_context_price_too(book: Book) -> None:
    row = price_one(book, "claude-sonnet-4-5", "anthropic", sent_chars=1_000_000, **CUT)
    tokens = row["estimated_usage"]["input"]
    assert row["list_cost"] == tokens * Decimal("0.000006")


def test_reported_usage_is_never_estimated_whatever_characters_there_are(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini", usage={"input": 10}, sent_chars=4000, seen_chars=4000)
    assert (row["usage_source"], row["estimated_usage"], row["estimate_low"]) == ("reported", None, None)


def test_estimates_stand_among_the_other_calls_of_their_batch(book: Book) -> None:
    batch = [call("gpt-4o-mini", usage={"input": n}) if n % 3 else call(seen_chars=n, **CUT) for n in range(1, 40)]
    rows = price_calls(book, batch)
    assert [row["usage_source"] for row in rows] == ["reported" if n % 3 else "estimated" for n in range(1, 40)]


def test_enormous_character_counts_do_not_fail_the_batch(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini", sent_chars=2**62, seen_chars=2**62, **CUT)
    assert row["usage_source"] == "estimated"


COUNTS = st.integers(0, 400_000)
USAGES = st.sampled_from([None, {"images": 2}]) | st.dictionaries(
    st.sampled_from(
        ["input", "cache_read", "output", "reasoning", "input_audio", "web_searches", "images", "requests"]
    ),
    COUNTS,
    max_size=3,
)
CUT_CALLS = st.builds(
    lambda model, source, usage, sent, seen, cost, currency: call(
        *model, usage=usage, source=source, status="aborted", sent_chars=sent, seen_chars=seen,
        reported_cost=cost, reported_currency=currency,
    ),
    st.sampled_from([
        ("gpt-4o-mini", "openai"), ("gpt-4o-audio-preview", "openai"), ("claude-sonnet-4-5", "anthropic"),
        ("gemini-2.5-pro", "google-gla"), ("whisper-large-v3", "groq"), ("acme-private-7b", "openai"),
    ]),
    st.sampled_from(["missing", "partial"]),
    USAGES,
    st.sampled_from([None, 40]) | st.integers(0, 2_000_000),
    st.sampled_from([None, 0, 3]) | st.integers(0, 100_000),
    st.none() | st.sampled_from(["0", "0.000000000001", "0.3"]),
    st.none() | st.just("EUR"),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CUT_CALLS, min_size=20, max_size=40))
def test_a_likely_cost_lies_between_its_bounds(book: Book, calls: list[dict[str, Any]]) -> None:
    for row in price_calls(book, calls):
        low, likely, high = row["estimate_low"], row["list_cost"], row["estimate_high"]
        if row["usage_source"] != "estimated" or likely is None:
            assert (low, high) == (None, None)
        else:
            assert low <= likely <= high


def test_a_bound_without_a_charge_of_its_own_is_what_is_known(book: Book) -> None:
    partial: dict[str, Any] = {"source": "partial", "status": "aborted", "sent_chars": 1_000_000, "seen_chars": 0}
    stated = price_one(book, "gpt-4o-mini", reported_cost="0.3", usage={}, sent_chars=4000, seen_chars=0, **CUT)
    assert (stated["estimate_low"], stated["list_cost"]) == (Decimal(0), Decimal("0.00015"))
    fee = price_one(book, "gpt-4o-mini", reported_cost="0.3", usage={"images": 2}, **partial)
    assert fee["price_status"] == "partial"
    assert fee["estimate_low"] < fee["list_cost"] < fee["estimate_high"] < Decimal("0.3")
    tiny = price_one(book, "gpt-4o-mini", usage={"images": 2}, seen_chars=2, **CUT)
    assert (tiny["estimate_low"], tiny["price_status"]) == (Decimal(0), "partial")


FAMILIES = {
    "gpt-5": "openai",
    "o3-mini": "openai",
    "openai/o1": "openai",
    "eu.anthropic.claude-3": "claude",
    "DeepSeek-V4": "deepseek",
    "ministral-8b": "mistral",
    "llama-3": "other",
    None: "other",
}


@pytest.mark.parametrize(("model", "family"), FAMILIES.items())
def test_a_model_belongs_to_the_first_family_it_fits(model: str | None, family: str) -> None:
    assert ratios.family(model) == family


def test_every_ratio_has_ordered_bounds_and_a_source() -> None:
    for row in ratios.rows():
        low, likely, high = (Decimal(str(row[key])) for key in ("low", "likely", "high"))
        assert Decimal("0.1") < low < likely < high <= 1
    assert all(ratio["source"] for family in ratios.families() for ratio in family["ratio"])


def test_a_newer_ratio_holds_from_its_day_on(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    older = {"likely": "4", "for_low": "8", "for_high": "2", "source": "a test"}
    newer = older | {"likely": "2", "valid_from": date(2026, 11, 21)}
    monkeypatch.setattr(ratios, "families", lambda: [{"name": "any", "models": ["*"], "ratio": [older, newer]}])
    book.execute("DELETE FROM ledger.model_matches")
    days = ("2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z")
    calls = [call(seen_chars=400, **CUT) | {"started_at": day} for day in days]
    try:
        tokens = [row["estimated_usage"]["output"] for row in price_calls(book, calls)]
    finally:
        book.execute("DELETE FROM ledger.model_matches")
    assert tokens == [100, 200]
    assert pricing.refresh(book) == 0
