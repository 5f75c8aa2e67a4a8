"""Long-context tiers exactly at their boundary, hours of the day and service tiers, for all that the catalogue has of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from genai_prices.types import TimeOfDateConstraint

from tests.pricing import oracle
from tests.pricing.batches import call, price_calls, price_one
from tests.pricing.oracle import MICROSECOND, Case, Quote
from tests.pricing.test_oracle import compare, name_of

Book = duckdb.DuckDBPyConnection


def quotes() -> Iterator[Quote]:
    """Yield what each model costs in each segment and under all conditions."""
    rng = random.Random(5)
    for provider, model in oracle.listed():
        for when in oracle.conditions(model):
            for moments in oracle.segments(model, rng):
                yield from (Quote(provider, model, moment, when) for moment in moments)


def test_every_tier_begins_one_token_above_its_start_cache_included(book: Book) -> None:
    cases, dearer = [], 0
    for quote in (quote for quote in quotes() if quote.starts):
        for start in quote.starts:
            for classes in ({"cache_read": start // 2}, {"cache_read": start // 3, "cache_write_5m": start // 3}, {}):
                rest = {"output": 1_000, "reasoning": 100}
                below, above = (
                    {"input": total - sum(classes.values())} | classes | rest for total in (start, start + 1)
                )
                exact = [{name: Decimal(count) for name, count in usage.items()} for usage in (below, above)]
                cases += [Case(quote, usage) for usage in exact]
                costs = [quote.whole(usage) for usage in exact]
                flats = [quote.flat(Decimal(total)).listed for total in (start, start + 1)]
                assert flats[0] != flats[1], str(cases[-1])
                dearer += costs[1] > costs[0] * Decimal("1.1")
    assert len({(case.quote.provider.id, case.quote.model.id) for case in cases}) > 50
    assert dearer > len(cases) // 4, "most tiers are dearer"
    assert compare(book, cases, random.Random(6)) > len(cases) * 9 // 10


def test_the_tier_that_holds_at_the_boundary_is_the_lower_one(book: Book) -> None:
    found = price_calls(
        book,
        [
            call("claude-sonnet-4-5", "anthropic", usage=usage)
            for usage in (
                {"input": 200_000},
                {"input": 200_001},
                {"input": 1, "cache_read": 199_999},
                {"input": 1, "cache_read": 200_000},
            )
        ],
    )
    assert [row["list_cost"] for row in found] == [
        Decimal(cost) for cost in ("0.6", "1.200006", "0.0600027", "0.120006")
    ]


def hourly() -> list[tuple[Quote, Quote]]:
    """Return quotes one microsecond before and at each hour at which a price changes."""
    found = []
    for provider, model in oracle.listed():
        entries = [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
        hours = {
            at
            for entry in entries
            if isinstance(entry.constraint, TimeOfDateConstraint)
            for at in (entry.constraint.start_time, entry.constraint.end_time)
        }
        for when in oracle.conditions(model):
            for at in sorted(hours, key=str):
                change = oracle.LATEST.replace(hour=at.hour, minute=at.minute, second=at.second)
                found.append((Quote(provider, model, change - MICROSECOND, when), Quote(provider, model, change, when)))
    return found


def test_prices_by_the_hour_change_at_the_hour(book: Book) -> None:
    pairs = hourly()
    if not pairs:
        pytest.skip("the installed catalogue has no price by the hour")
    usages = [{"input": Decimal(1_000_000), "output": Decimal(7)}, {"cache_read": Decimal(3), "output": Decimal(1)}]
    cases = [Case(quote, usage) for pair in pairs for quote in pair for usage in usages]
    assert compare(book, cases, random.Random(8)) == len(cases)
    changes = sum(before.whole(usages[0]) != after.whole(usages[0]) for before, after in pairs)
    assert changes, "no price differs between two hours"


def test_every_service_tier_that_the_catalogue_names_is_priced_as_it_says(book: Book) -> None:
    cases, tiers = [], set()
    for quote in quotes():
        tier = quote.when.get("service_tier") or quote.when.get("processing") or quote.when.get("speed")
        if tier and quote.is_named:
            tiers.add(tier)
            cases.append(Case(quote, {"input": Decimal(10_007), "output": Decimal(1_009), "cache_read": Decimal(503)}))
    assert {"batch", "flex", "priority"} <= tiers
    compared = sum(
        compare(book, cases[start : start + 5_000], random.Random(9)) for start in range(0, len(cases), 5_000)
    )
    assert compared > len(cases) * 9 // 10


@pytest.mark.parametrize("tier", ["no-such-tier", "scale-99"])
def test_a_tier_that_nobody_names_is_unpriced(book: Book, tier: str) -> None:
    found = price_one(book, "gpt-4o-mini", "openai", usage={"input": 10}, tier=tier)
    assert (found["price_status"], found["list_cost"]) == ("unpriced", None)


def test_a_model_without_a_name_is_rare() -> None:
    tiered = {id(quote.model): quote for quote in quotes() if quote.starts}
    assert all(name_of(quote.provider, quote.model) for quote in tiered.values())
