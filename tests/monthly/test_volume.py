"""Volume tiers by hand: exactly at the boundary, by the month and over a term, by spend and by tokens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.monthly.asking import adjustments, amounts
from tests.monthly.facts import KNOWN_FROM, Rule, Use, day, utc

TIERS = ((Decimal(10_000), Decimal("0.9")), (Decimal(50_000), Decimal("0.8")))
GRADUATED = Rule(1, by="spend", tiers=TIERS)
ALL_UNITS = replace(GRADUATED, method="all_units")


def spent(*costs: str, month: int = 3, **fields: Any) -> list[Use]:
    return [Use(utc(f"2026-{month:02}-{n:02}T10:00"), (1,), Decimal(cost), **fields) for n, cost in enumerate(costs, 1)]


@pytest.mark.parametrize(
    ("rule", "cost", "expected"),
    [
        (GRADUATED, "10000", "0"),  # over 10000 means more than 10000.00
        (GRADUATED, "10000.01", "-0.001"),
        (GRADUATED, "10000.000000000001", "0"),  # a tenth of the smallest amount is rounded half up
        (GRADUATED, "10000.000000000005", "-0.000000000001"),
        (GRADUATED, "50000", "-4000"),
        (GRADUATED, "60000", "-6000"),
        (ALL_UNITS, "10000", "0"),
        (ALL_UNITS, "10000.000000000001", "-1000"),
        (ALL_UNITS, "50000", "-5000"),
        (ALL_UNITS, "50000.01", "-10000.002"),
        (replace(GRADUATED, tiers=((Decimal(0), Decimal("0.5")),)), "0.01", "-0.005"),
        (replace(ALL_UNITS, tiers=()), "99", "0"),
        (replace(ALL_UNITS, tiers=((Decimal(0), Decimal("1.1")),)), "10", "1"),
    ],
)
def test_a_tier_begins_above_its_limit(book: duckdb.DuckDBPyConnection, rule: Rule, cost: str, expected: str) -> None:
    assert amounts(adjustments(book, [rule], spent(cost))) == [("2026-03", Decimal(expected))]


def test_what_is_read_explains_the_amount(book: duckdb.DuckDBPyConnection) -> None:
    (row,) = adjustments(book, [GRADUATED], spent("9000", "3500.50"))
    assert (row["quantity"], row["unit"], row["basis"], row["multiplier"]) == (
        Decimal("12500.5"),
        "USD",
        Decimal("12500.5"),
        Decimal("0.9"),
    )
    assert row["description"] == "graduated by spend over the month: 12500.5 USD at the month's end, tier × 0.9"
    assert (row["kind"], row["contract"], row["amount"], row["calls"]) == ("volume", "rule-1", Decimal("-250.05"), 2)


def test_over_a_month_each_month_begins_anew_and_over_the_term_it_does_not(book: duckdb.DuckDBPyConnection) -> None:
    uses = [*spent("8000"), *spent("8000", month=4), *spent("8000", month=5)]
    by_month = amounts(adjustments(book, [GRADUATED], uses))
    assert by_month == [("2026-03", 0), ("2026-04", 0), ("2026-05", 0)]
    by_term = amounts(adjustments(book, [replace(GRADUATED, period="term")], uses))
    assert by_term == [("2026-03", 0), ("2026-04", -600), ("2026-05", -800)]
    at_once = amounts(adjustments(book, [replace(ALL_UNITS, period="term")], uses))
    assert at_once == [
        ("2026-03", 0),
        ("2026-04", -1600),
        ("2026-05", -800),
    ]  # the first month's share comes with the second


def test_tokens_choose_the_tier_of_the_whole_spend(book: duckdb.DuckDBPyConnection) -> None:
    rule = Rule(1, by="tokens", method="all_units", tiers=((Decimal(1000), Decimal("0.9")),))
    for tokens, expected in ((1000, 0), (1001, -5)):
        assert amounts(adjustments(book, [rule], spent("50", tokens=tokens))) == [("2026-03", expected)]


def test_graduated_by_tokens_the_spend_of_a_month_is_shared_as_its_tokens_are(book: duckdb.DuckDBPyConnection) -> None:
    rule = Rule(1, by="tokens", period="term", tiers=((Decimal(1000), Decimal("0.9")), (Decimal(3000), Decimal("0.5"))))
    uses = [*spent("40", tokens=2000), *spent("30", "30", month=4, tokens=1000)]
    assert amounts(adjustments(book, [rule], uses)) == [
        ("2026-03", Decimal(-2)),  # half of 40 × 0.1
        ("2026-04", Decimal(-18)),  # half of 60 × 0.1, half of 60 × 0.5
    ]


def test_spend_without_tokens_is_in_the_tier_that_the_tokens_reached(book: duckdb.DuckDBPyConnection) -> None:
    rule = Rule(1, by="tokens", period="term", tiers=((Decimal(1000), Decimal("0.9")),))
    uses = [*spent("1", tokens=1001), *spent("10", month=4, tokens=0)]
    assert amounts(adjustments(book, [rule], uses))[1] == ("2026-04", -1)


def test_only_days_within_the_contract_and_costs_in_its_currency_count(book: duckdb.DuckDBPyConnection) -> None:
    rule = Rule(1, since=day("2026-03-02"), until=day("2026-03-04"), by="spend", tiers=((Decimal(0), Decimal("0.5")),))
    uses = [*spent("1", "2", "4", "8"), *spent("16", "32", currency="EUR"), replace(spent("1", "1")[1], cost=None)]
    (row,) = adjustments(book, [rule], uses)
    assert (row["amount"], row["calls"], row["uncounted_calls"]) == (-3, 2, 2)


def test_a_contract_whose_text_changed_still_counts_what_came_before(book: duckdb.DuckDBPyConnection) -> None:
    """Calls name the contract as it was when they were priced; its name finds the text in force."""
    old = replace(GRADUATED, name="openai-2026", superseded_at=KNOWN_FROM + timedelta(days=70))
    new = replace(old, rule_id=2, superseded_at=None, tiers=((Decimal(10_000), Decimal("0.5")),))
    uses = [*spent("9000"), replace(spent("0", "3000")[1], terms=(2,))]
    assert amounts(adjustments(book, [old, new], uses)) == [("2026-03", -1000)]
    assert adjustments(book, [old], uses) == []


@pytest.mark.parametrize(
    ("zone", "months"), [("UTC", ["2026-03"]), ("America/New_York", ["2026-02"]), ("Asia/Tokyo", ["2026-03"])]
)
def test_months_are_those_of_the_ledgers_time_zone(
    book: duckdb.DuckDBPyConnection, zone: str, months: list[str]
) -> None:
    rows = adjustments(book, [GRADUATED], [Use(utc("2026-03-01T01:00"), (1,), Decimal(1))], zone=zone)
    assert [month for month, _ in amounts(rows)] == months


def test_amounts_of_many_digits_fit(book: duckdb.DuckDBPyConnection) -> None:
    """A rupiah is a small thing."""
    rule = Rule(1, currency="IDR", by="spend", tiers=((Decimal("10000000000"), Decimal("0.333333333333")),))
    (row,) = adjustments(book, [rule], spent("9876543210987.123456789012", currency="IDR"))
    assert row["amount"] == Decimal("-6577695473994.704485596337")


def test_tokens_of_calls_without_a_cost_reach_the_next_tier_too(book: duckdb.DuckDBPyConnection) -> None:
    rule = Rule(1, by="tokens", method="all_units", tiers=((Decimal(1000), Decimal("0.9")),))
    uses = [*spent("50", tokens=1000), replace(spent("0", tokens=1)[0], cost=None)]
    (row,) = adjustments(book, [rule], uses)
    assert (row["amount"], row["calls"], row["uncounted_calls"]) == (-5, 1, 1)
