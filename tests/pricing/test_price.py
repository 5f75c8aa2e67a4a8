"""What calls cost, and what is said where that is not known."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pytest

from tests.pricing.batches import NOON, call, charges, price_calls, price_one

USAGE = {"input": 600, "cache_read": 400, "output": 150, "reasoning": 50}
Book = duckdb.DuckDBPyConnection


def cost(row: dict[str, object]) -> Decimal:
    value = row["effective_cost"]
    assert isinstance(value, Decimal)
    return value


def test_a_call_of_gpt_4o_mini_costs_what_its_price_page_says(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini-2024-07-18", usage=USAGE)
    assert cost(row) == row["list_cost"] == row["contracted_cost"] == Decimal("0.00024")
    assert (row["price_status"], row["priced_model"], row["model_developer"]) == ("priced", "gpt-4o-mini", "OpenAI")
    assert (row["currency"], row["list_currency"], row["usage_source"]) == ("USD", "USD", "reported")


@pytest.mark.parametrize(("tokens", "expected"), [(200_000, "0.60"), (200_001, "1.200006")])
def test_the_long_context_price_starts_right_after_the_boundary(book: Book, tokens: int, expected: str) -> None:
    assert cost(price_one(book, "claude-sonnet-4-5", "anthropic", usage={"input": tokens})) == Decimal(expected)


def test_cached_input_counts_towards_the_boundary(book: Book) -> None:
    below = {"input": 1, "cache_read": 199_999, "output": 1}
    above = {"input": 1, "cache_read": 199_990, "cache_write_5m": 10, "output": 1}
    assert cost(price_one(book, "claude-sonnet-4-5", "anthropic", usage=below)) == Decimal("0.0600177")
    expected = Decimal("0.000006") + 199_990 * Decimal("0.0000006") + 10 * Decimal("0.0000075") + Decimal("0.0000225")
    assert cost(price_one(book, "claude-sonnet-4-5", "anthropic", usage=above)) == expected


def test_many_short_calls_never_reach_the_long_context_price_together(book: Book) -> None:
    rows = price_calls(book, [call("claude-sonnet-4-5", "anthropic", usage={"input": 150_000}) for _ in range(4)])
    assert {cost(row) for row in rows} == {Decimal("0.45")}


def test_a_call_takes_the_price_in_force_when_it_started(book: Book) -> None:
    change = datetime(2026, 8, 17, tzinfo=timezone.utc)
    usage = {"output": 1_000_000}
    before, after = price_calls(
        book,
        [
            call("deepseek-v4-pro", "deepseek", usage=usage, started_at=change - timedelta(microseconds=1)),
            call("deepseek-v4-pro", "deepseek", usage=usage, started_at=change),
        ],
    )
    assert (cost(before), cost(after)) == (Decimal("0.87"), Decimal("1.98"))


@pytest.mark.parametrize(
    ("hour", "expected"), [(0, "1.98"), (1, "3.96"), (4, "1.98"), (6, "3.96"), (10, "1.98"), (23, "1.98")]
)
def test_a_price_by_the_time_of_day_follows_the_clock_in_utc(book: Book, hour: int, expected: str) -> None:
    elsewhere = timezone(timedelta(hours=9))
    started_at = datetime(2026, 11, 20, hour, tzinfo=timezone.utc).astimezone(elsewhere)
    row = price_one(book, "deepseek-v4-pro", "deepseek", usage={"output": 1_000_000}, started_at=started_at)
    assert cost(row) == Decimal(expected)


def test_an_unknown_model_has_no_cost(book: Book) -> None:
    row = price_one(book, "acme-private-7b", usage=USAGE)
    assert row["price_status"] == "unpriced"
    assert (row["list_cost"], row["effective_cost"], row["rate_card_id"], row["priced_model"]) == (None,) * 4
    assert row["currency"] == "USD"  # so that it stands in the same group as what is priced


@pytest.mark.parametrize("provider", [None, "ollama", "vllm", "nobody"])
def test_an_unknown_provider_has_no_price(book: Book, provider: str | None) -> None:
    assert price_one(book, "gpt-4o-mini", provider, usage=USAGE)["price_status"] == "unpriced"


def test_an_unknown_provider_at_a_known_address_has_its_price(book: Book) -> None:
    row = price_one(book, "deepseek-v4-pro", "gateway", server="api.deepseek.com", usage={"output": 10})
    assert row["price_status"] == "priced"


def test_the_model_of_the_request_counts_where_that_of_the_response_is_unknown(book: Book) -> None:
    for response_model in (None, "internal-build-17"):
        row = price_one(book, response_model, request_model="gpt-4o-mini", usage=USAGE)
        assert cost(row) == Decimal("0.00024")


def test_a_deployment_is_priced_by_the_model_that_answered_never_by_its_own_name(book: Book) -> None:
    named_like_a_model = price_one(book, None, "azure.ai.openai", request_model="gpt-4o", usage=USAGE)
    assert named_like_a_model["price_status"] == "unpriced"
    answered = price_one(book, "gpt-4o-mini-2024-07-18", "azure.ai.openai", request_model="gpt-4o", usage=USAGE)
    assert (answered["priced_model"], cost(answered)) == ("gpt-4o-mini", Decimal("0.00024"))


def test_another_sellers_price_has_none_of_its_tiers(book: Book) -> None:
    row = price_one(book, "gpt-5-mini", "azure.ai.openai", usage=USAGE, tier="flex")
    assert (row["price_status"], row["priced_model"]) == ("unpriced", "gpt-5-mini")


def test_regions_of_bedrock_have_their_own_prices(book: Book) -> None:
    usage = {"input": 1_000_000}
    models = ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "global.anthropic.claude-sonnet-4-5-20250929-v1:0")
    rows = price_calls(book, [call(None, "aws.bedrock", request_model=model, usage=usage) for model in models])
    assert [cost(row) for row in rows] == [Decimal("3.3"), Decimal("3")]


def test_usage_that_the_model_has_no_price_for_leaves_the_cost_partial(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini", usage=USAGE | {"code_executions": 1})
    assert (row["price_status"], cost(row)) == ("partial", Decimal("0.00024"))
    assert row["rate_card_id"] is not None
    assert {line["usage_class"]: line["list_cost"] for line in charges(book)}["code_executions"] is None


def test_usage_of_classes_without_any_price_is_unpriced(book: Book) -> None:
    assert price_one(book, "gpt-4o-mini", usage={"images": 2, "input": 0})["price_status"] == "unpriced"


def test_a_class_without_a_price_costs_nothing_when_none_of_it_was_used(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini", usage=USAGE | {"code_executions": 0, "weather_reports": 0})
    assert (row["price_status"], cost(row)) == ("priced", Decimal("0.00024"))


def test_a_class_that_meter_never_heard_of_is_part_of_what_is_unknown(book: Book) -> None:
    assert price_one(book, "gpt-4o-mini", usage=USAGE | {"weather_reports": 1})["price_status"] == "partial"


def test_a_token_class_without_a_price_has_that_of_its_parent(book: Book) -> None:
    price_one(book, "gpt-4o-mini", usage={"input_document": 1000, "cache_read_image": 1000, "reasoning": 1000})
    lines = {line["usage_class"]: (line["list_cost"], line["priced_as"]) for line in charges(book)}
    assert lines == {
        "input_document": (Decimal("0.00015"), "input"),
        "cache_read_image": (Decimal("0.000075"), "cache_read"),
        "reasoning": (Decimal("0.0006"), "output"),
    }


FREE = "meta-llama/llama-3.3-70b-instruct:free"


def test_a_model_that_is_sold_for_nothing_is_free(book: Book) -> None:
    row = price_one(book, FREE, "openrouter", usage={"input": 10, "output": 3}, reported_cost="0")
    assert (row["price_status"], cost(row)) == ("free", Decimal(0))
    with_a_fee = price_one(book, FREE, "openrouter", usage={"input": 10, "web_searches": 3})
    assert (with_a_fee["price_status"], cost(with_a_fee)) == ("partial", Decimal(0))


def test_a_model_is_not_free_when_its_provider_says_what_it_cost(book: Book) -> None:
    row = price_one(book, FREE, "openrouter", usage={"input": 10, "output": 3}, reported_cost="0.08")
    assert (row["price_status"], cost(row), row["rate_card_id"]) == ("reported", Decimal("0.08"), None)


def test_a_model_that_is_listed_for_its_history_only_is_not_free(book: Book) -> None:
    assert price_one(book, "qwen-3-coder-480b", "cerebras", usage=USAGE)["price_status"] == "unpriced"


def test_nothing_used_of_a_model_with_a_price_is_priced_at_zero(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini", usage={"input": 0, "output": 0})
    assert (row["price_status"], cost(row)) == ("priced", Decimal(0))


@pytest.mark.parametrize("usage", [None, {}])
def test_a_call_without_usage_has_no_cost(book: Book, usage: dict[str, int] | None) -> None:
    row = price_one(book, "gpt-4o-mini", usage=usage, status="error")
    assert (row["price_status"], row["list_cost"], row["usage_source"]) == ("no_usage", None, "missing")


def test_the_providers_own_figure_stands_where_there_is_no_price(book: Book) -> None:
    row = price_one(book, "acme/new-model", "openrouter", usage=USAGE, reported_cost="0.0123", reported_currency="EUR")
    assert (row["price_status"], cost(row), row["currency"]) == ("reported", Decimal("0.0123"), "EUR")
    assert row["rate_card_id"] is None
    without_usage = price_one(book, "acme/new-model", "openrouter", reported_cost="0.5")
    assert (without_usage["price_status"], cost(without_usage)) == ("reported", Decimal("0.5"))


def test_a_price_goes_before_the_providers_own_figure(book: Book) -> None:
    row = price_one(book, "gpt-4o-mini", usage=USAGE, reported_cost="0.5")
    assert (row["price_status"], cost(row)) == ("priced", Decimal("0.00024"))


def test_searches_cost_when_they_were_made_and_nothing_when_none_was(book: Book) -> None:
    made = price_one(book, "claude-sonnet-4-5", "anthropic", usage={"input": 10, "web_searches": 3})
    declared = price_one(book, "claude-sonnet-4-5", "anthropic", usage={"input": 10, "web_searches": 0})
    assert (cost(made), cost(declared)) == (Decimal("0.03003"), Decimal("0.00003"))


def test_a_fee_per_request_is_charged_once_per_call_with_usage(book: Book) -> None:
    usage = {"input": 1000, "output": 1000}
    implied = price_one(book, "sonar-pro", "perplexity", usage=usage)
    assert {line["usage_class"]: line["list_cost"] for line in charges(book)}["requests"] == Decimal("0.014")
    counted = price_one(book, "sonar-pro", "perplexity", usage=usage | {"requests": 1})
    assert cost(implied) == cost(counted) == Decimal("0.032")
    assert price_one(book, "sonar-pro", "perplexity", status="error")["price_status"] == "no_usage"


@pytest.mark.parametrize(("seconds", "billed"), [("0", 0), ("0.5", 10), ("10", 10), ("10.25", Decimal("10.25"))])
def test_a_least_billed_quantity_holds_once_there_is_any(book: Book, seconds: str, billed: Decimal) -> None:
    row = price_one(book, "whisper-large-v3", "groq", usage={"audio_seconds": seconds})
    exact = Decimal("0.111") * billed / 3600
    assert cost(row) == exact.quantize(Decimal("1e-12"), rounding="ROUND_HALF_UP")


def test_every_call_is_priced_once_whatever_its_names_lack(book: Book) -> None:
    names = ("provider", "server", "response_model", "request_model", "tier", "requested_tier", "region", "context")
    calls = [call("gpt-4o-mini", usage=USAGE) | dict.fromkeys(names[:lacking]) for lacking in range(len(names) + 1)]
    assert len(price_calls(book, [*calls, *(call(usage=USAGE, context={"size": "1024"}) for _ in range(3))])) == 12


def test_an_empty_batch_is_priced(book: Book) -> None:
    book.execute("CREATE OR REPLACE TEMP TABLE fresh AS FROM fresh LIMIT 0") if _has_fresh(book) else price_one(book)
    assert price_calls(book, []) == []


def _has_fresh(book: Book) -> bool:
    return book.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'fresh'").fetchall() != [(0,)]


def test_calls_of_the_far_past_and_future_are_priced(book: Book) -> None:
    times = (datetime(1969, 12, 31, 23, tzinfo=timezone.utc), NOON, datetime(2200, 1, 1, tzinfo=timezone.utc))
    for provider, model in (("openai", "gpt-4o-mini"), ("deepseek", "deepseek-v4-pro")):
        rows = price_calls(book, [call(model, provider, usage=USAGE, started_at=moment) for moment in times])
        assert [row["price_status"] for row in rows] == ["priced"] * 3
