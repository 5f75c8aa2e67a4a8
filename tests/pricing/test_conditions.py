"""Service tiers, batch, speed, route and region: priced by what the catalogue names, unpriced where it names nothing."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from genai_prices.data_snapshot import get_snapshot

from meter.pricing import conditions
from meter.pricing.conditions import Asked, applicable
from tests.pricing.batches import call, price_calls, price_one

USAGE = {"input": 1_000_000}
GPT_5 = Decimal("1.25")
Book = duckdb.DuckDBPyConnection


@pytest.mark.parametrize("tier", [None, "", "default", "auto", "standard", "on_demand", "ON_DEMAND", " Standard "])
def test_names_that_mean_standard_have_the_standard_price(book: Book, tier: str | None) -> None:
    assert price_one(book, "gpt-5", usage=USAGE, tier=tier)["list_cost"] == GPT_5


@pytest.mark.parametrize(
    ("tier", "expected"),
    [("flex", "0.625"), ("priority", "2.5"), ("fast", "2.5"), ("batch", "0.625"), ("ON_DEMAND_FLEX", "0.625")],
)
def test_a_tier_that_the_catalogue_names_has_its_own_price(book: Book, tier: str, expected: str) -> None:
    row = price_one(book, "gpt-5", usage=USAGE, tier=tier)
    assert (row["price_status"], row["list_cost"]) == ("priced", Decimal(expected))


def test_a_flex_request_that_was_served_as_standard_is_priced_as_standard(book: Book) -> None:
    served = price_one(book, "gpt-5", usage=USAGE, tier="default", requested_tier="flex")
    unsaid = price_one(book, "gpt-5", usage=USAGE, requested_tier="flex")
    assert (served["list_cost"], unsaid["list_cost"]) == (GPT_5, Decimal("0.625"))


@pytest.mark.parametrize("tier", ["scale", "reserved", "a tier of next year"])
def test_a_tier_without_a_price_is_unpriced_not_standard(book: Book, tier: str) -> None:
    row = price_one(book, "gpt-5", usage=USAGE, tier=tier)
    assert (row["price_status"], row["list_cost"], row["priced_model"]) == ("unpriced", None, "gpt-5")


def test_a_tier_has_no_price_before_the_catalogue_knows_one(book: Book) -> None:
    days = [datetime(2026, 10, day, tzinfo=timezone.utc) for day in (13, 14)]
    rows = price_calls(book, [call("gpt-5", usage=USAGE, tier="batch", started_at=day) for day in days])
    assert [row["price_status"] for row in rows] == ["unpriced", "priced"]


def test_a_refused_flex_request_adds_nothing_to_a_sum(book: Book) -> None:
    row = price_one(book, "gpt-5", requested_tier="flex", status="error")
    assert (row["price_status"], row["effective_cost"]) == ("no_usage", None)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"processing": "batch"}, "0.625"),
        ({"processing": "batch", "size": "1024x1024"}, "0.625"),
        ({"processing": "Online", "speed": "standard", "size": "1024x1024"}, "1.25"),
        ({"speed": "fast"}, None),
        ({"processing": "overnight"}, None),
    ],
)
def test_the_context_tells_what_the_tier_does_not(book: Book, context: dict[str, str], expected: str | None) -> None:
    assert price_one(book, "gpt-5", usage=USAGE, context=context)["list_cost"] == (expected and Decimal(expected))


HAS_SPEEDS = any("speed" in v.when for p in get_snapshot().providers for m in p.models for v in m.price_variants or ())


@pytest.mark.skipif(not HAS_SPEEDS, reason="the catalogue for this Python names no speeds")
def test_speed_is_a_tier_where_a_provider_calls_it_so(book: Book) -> None:
    for fields in ({"tier": "fast"}, {"context": {"speed": "fast"}}):
        row = price_one(book, "claude-opus-5", "anthropic", usage=USAGE, **fields)
        assert (row["price_status"], row["list_cost"]) == ("priced", Decimal(10))


def test_two_conditions_at_once_need_a_price_for_both(book: Book) -> None:
    together = price_one(book, "claude-opus-5", "anthropic", usage=USAGE, tier="batch", context={"speed": "fast"})
    assert together["price_status"] == "unpriced"
    twice = price_one(book, "claude-opus-5", "anthropic", usage=USAGE, tier="batch", context={"processing": "batch"})
    assert twice["price_status"] == "priced"


def test_a_route_picks_a_price_where_it_has_one_and_else_matters_nothing(book: Book) -> None:
    model = ("mistralai/mistral-large-4-0", "openrouter")
    european, other = (
        price_one(book, *model, usage=USAGE, context={"route": route}) for route in ("mistral/eu", "mistral")
    )
    assert european["price_status"] == other["price_status"] == "priced"
    assert european["list_cost"] != other["list_cost"]


@pytest.mark.parametrize(("region", "status"), [(None, "priced"), ("global", "priced"), ("us", "unpriced")])
def test_a_region_that_a_provider_charges_differently_needs_a_price(
    book: Book, region: str | None, status: str
) -> None:
    row = price_one(book, "claude-sonnet-4-5", "anthropic", usage=USAGE, region=region)
    assert row["price_status"] == status
    assert price_one(book, "gpt-5", usage=USAGE, region=region)["price_status"] == "priced"


def test_conditions_are_written_and_read_back() -> None:
    pairs = frozenset({("service_tier", "flex"), ("route", "mistral/eu")})
    assert conditions.as_text(pairs) == "route=mistral/eu,service_tier=flex"
    assert conditions.from_text(conditions.as_text(pairs)) == pairs
    assert conditions.from_text(conditions.as_text(conditions.STANDARD)) == conditions.STANDARD


def test_the_catalogue_writes_conditions_that_fit_the_ledger() -> None:
    variants = [v for p in get_snapshot().providers for m in p.models for v in m.price_variants or ()]
    pairs = {pair for variant in variants for pair in variant.when.items()}
    assert not [pair for pair in pairs if {",", "="} & set("".join(pair))]


def test_an_unnamed_standard_tier_needs_no_offer_of_its_own() -> None:
    offers: Any = {frozenset(), frozenset({("service_tier", "flex")})}
    assert applicable(Asked(tier="default"), "openai", offers) == conditions.STANDARD
    assert applicable(Asked(tier="flex"), "openai", offers) == {("service_tier", "flex")}
    assert applicable(Asked(tier="slow"), "openai", offers) == {("service_tier", "slow")}
