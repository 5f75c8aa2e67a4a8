"""The price book as people read it."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import duckdb

from meter.pricing import book as price_book
from meter.pricing import installed
from tests.pricing.batches import NOON

Book = duckdb.DuckDBPyConnection


def test_prices_are_listed_by_provider_and_pattern_of_model(book: Book) -> None:
    found = list(price_book.prices(book, provider="anthropic", model="Claude-Sonnet-4-5*", at=NOON))
    assert {(price.provider, price.model) for price in found} == {("anthropic", "claude-sonnet-4-5")}
    standard = [(p.usage_class, p.unit_price, p.input_up_to) for p in found if p.conditions == price_book.STANDARD]
    assert standard[:2] == [("input", Decimal("0.000003"), 200_000), ("cache_read", Decimal("0.0000003"), 200_000)]
    assert ("input", Decimal("0.000006"), None) in standard
    assert {price.conditions for price in found} == {price_book.STANDARD, "processing=batch"}


def test_every_name_of_a_provider_finds_its_prices(book: Book) -> None:
    names = ("gcp.gemini", "google", "gcp.vertex_ai", "gemini")
    counts = {len(list(price_book.prices(book, provider=name))) for name in names}
    assert len(counts) == 1
    assert counts > {0} or counts.pop() > 100
    assert list(price_book.prices(book, provider="nobody")) == []


def test_the_whole_book_can_be_listed(book: Book) -> None:
    everything = list(price_book.prices(book))
    assert len({price.provider for price in everything}) > 30
    assert len(everything) > 5_000


def test_only_what_held_at_a_moment_is_listed(book: Book) -> None:
    def outputs(day: int) -> list[Decimal]:
        at = datetime(2026, 8, day, tzinfo=timezone.utc)
        listed = price_book.prices(book, provider="deepseek", model="deepseek-v4-pro", at=at)
        return [price.unit_price for price in listed if price.usage_class == "output"]

    assert min(outputs(16)) == Decimal("0.00000087")
    assert min(outputs(17)) == Decimal("0.00000198")


def test_prices_that_a_class_inherits_are_listed_when_asked_for(book: Book) -> None:
    own = list(price_book.prices(book, provider="openai", model="gpt-4o-mini"))
    every = list(price_book.prices(book, provider="openai", model="gpt-4o-mini", inherited=True))
    assert {price.priced_as for price in own} == {None}
    assert {price.priced_as for price in every} == {None, "input", "output", "cache_read"}


def test_the_catalogues_taken_in_are_listed(book: Book) -> None:
    (taken,) = price_book.catalogues(book)
    assert (taken.edition, taken.source, taken.version) == (1, "genai-prices", installed.version())
    assert taken.digest == installed.digest()
