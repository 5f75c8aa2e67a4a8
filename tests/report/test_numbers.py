"""Figures as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from meter.report import numbers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0", "0.00"),
        ("0.000000000000", "0.00"),
        ("1", "1.00"),
        ("1234567.891", "1,234,567.89"),
        ("0.00024", "0.00024"),
        ("0.000123456", "0.0001235"),
        ("0.009999", "0.009999"),
        ("0.0099999", "0.01"),
        ("0.00999949", "0.009999"),
        ("0.01", "0.01"),
        ("0.015", "0.02"),
        ("-0.0002", "-0.0002"),
        ("-12.345", "-12.35"),
        ("0.000000000001", "0.000000000001"),
        ("12345678901234567890123456.789", "12,345,678,901,234,567,890,123,456.79"),
        ("NaN", "NaN"),
    ],
)
def test_money_has_two_decimals_and_below_a_cent_four_significant_digits(value: str, shown: str) -> None:
    assert numbers.money(Decimal(value)) == shown


def test_money_that_is_unknown_is_not_nothing() -> None:
    assert numbers.money(None) == numbers.UNKNOWN != numbers.money(Decimal(0))


@given(some.decimals(min_value="-1e25", max_value="1e25", places=12))
def test_money_never_strays_by_more_than_its_last_digit(value: Decimal) -> None:
    shown = Decimal(numbers.money(value, ""))
    allowed = Decimal("0.005") if abs(value) >= numbers.CENT else abs(value) * Decimal("0.0005")
    assert numbers.WIDE.abs(numbers.WIDE.subtract(shown, value)) <= allowed


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.0 %"),
        (1, "100.0 %"),
        (0.5, "50.0 %"),
        (0.00001, "<0.1 %"),
        (0.99999, ">99.9 %"),
        (Decimal("0.123456"), "12.3 %"),
        (None, "–"),
    ],
)
def test_a_share_that_is_not_nothing_never_reads_as_nothing(value: float | Decimal | None, shown: str) -> None:
    assert numbers.share(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234567, "1,234,567"), (Decimal("1234.500000"), "1,234.5"), (Decimal("1000.000000"), "1,000"), (None, "–")],
)
def test_a_quantity_keeps_only_the_decimals_it_has(value: int | Decimal | None, shown: str) -> None:
    assert numbers.count(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 << 20, "5.0 MiB"), (1 << 50, "1024.0 TiB")],
)
def test_sizes_and_ages_take_the_largest_unit_that_fits(value: int | None, shown: str) -> None:
    assert numbers.size(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "–"), (0.2, "0 s"), (59, "59 s"), (61, "1 min"), (7_300, "2 h"), (200_000, "2 d")]
)
def test_an_age_is_told_in_its_largest_unit(seconds: float | None, shown: str) -> None:
    assert numbers.age(seconds) == shown


def test_one_of_a_thing_has_no_plural() -> None:
    assert [numbers.plural(count, "call") for count in (0, 1, 2000)] == ["0 calls", "1 call", "2,000 calls"]
