"""Commitments by hand: drawn in order, tied to the digit, and what is left of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest

from tests.monthly.asking import NOW, adjustments, amounts, ask
from tests.monthly.facts import Rule, Use, day, utc
from tests.pricing.batches import Row

YEAR = Rule(1, since=day("2026-01-01"), until=day("2027-01-01"), commitment=Decimal(1000), price=Decimal(900))


def spent(at: str, cost: str, *terms: int) -> Use:
    return Use(utc(at), terms or (1,), Decimal(cost))


def states(con: duckdb.DuckDBPyConnection, rules: list[Rule], uses: list[Use], now: datetime = NOW) -> list[Row]:
    adjustments(con, rules, uses, now)
    return sorted(ask(con, "commitments", now), key=lambda row: int(row["contract_rule_id"]))


def test_what_is_drawn_is_discounted_and_the_excess_is_not(book: duckdb.DuckDBPyConnection) -> None:
    uses = [spent("2026-02-10T00:00", "400"), spent("2026-03-10T00:00", "700"), spent("2026-04-10T00:00", "50")]
    rows = adjustments(book, [YEAR], uses)
    assert amounts(rows) == [("2026-02", -40), ("2026-03", -60)]
    assert [row["quantity"] for row in rows] == [400, 600]
    assert rows[1]["description"] == "600 drawn, 1000 so far, of 1000 bought for 900 USD"


def test_the_draws_of_a_price_that_does_not_divide_make_it_to_the_last_digit(book: duckdb.DuckDBPyConnection) -> None:
    rule = replace(YEAR, commitment=Decimal(7), price=Decimal(3))
    uses = [spent(f"2026-0{month}-01T12:00", "1") for month in (1, 2, 3, 4, 5)] + [spent("2026-06-01T00:00", "2")]
    rows = adjustments(book, [rule], uses)
    assert rows[0]["amount"] == Decimal("-0.571428571429")
    assert sum(row["amount"] for row in rows) == -4


def test_what_was_never_used_is_a_line_of_the_month_it_expired_in(book: duckdb.DuckDBPyConnection) -> None:
    rule = replace(YEAR, until=day("2026-05-01"))
    rows = adjustments(book, [rule], [spent("2026-04-30T23:59", "400"), spent("2026-05-01T00:00", "999")])
    found = [(f"{row['month']:%Y-%m}", row["kind"], row["amount"], row["quantity"]) for row in rows]
    assert found == [("2026-04", "commitment_discount", -40, 400), ("2026-04", "commitment_unused", 540, 600)]
    assert rows[1]["description"] == "600 of 1000 bought for 900 USD were never used"
    assert not [r for r in adjustments(book, [rule], [], utc("2026-04-30T23:59")) if r["kind"] == "commitment_unused"]
    assert amounts(adjustments(book, [rule])) == [("2026-04", 900)]


def test_the_commitment_that_expires_first_is_drawn_first(book: duckdb.DuckDBPyConnection) -> None:
    later = replace(YEAR, price=Decimal(500))
    sooner = replace(YEAR, rule_id=2, until=day("2026-12-01"), commitment=Decimal(100), price=Decimal(100))
    rows = states(book, [later, sooner], [spent("2026-02-01T00:00", "250", 1, 2)])
    assert [(row["drawn"], row["status"], row["coverage"]) for row in rows] == [
        (150, "active", Decimal("0.6")),
        (100, "exhausted", Decimal("0.4")),
    ]


def test_then_the_one_that_began_earlier_and_then_the_lower_id(book: duckdb.DuckDBPyConnection) -> None:
    small = replace(YEAR, commitment=Decimal(10))
    rules = [small, replace(small, rule_id=2, since=day("2025-12-01")), replace(small, rule_id=3)]
    rows = states(book, rules, [spent("2026-02-01T00:00", "15", 1, 2, 3)])
    assert [row["drawn"] for row in rows] == [5, 10, 0]


def test_within_a_day_spend_that_fewer_commitments_may_draw_goes_first(book: duckdb.DuckDBPyConnection) -> None:
    small = replace(YEAR, commitment=Decimal(10))
    uses = [spent("2026-02-01T01:00", "10", 1, 2), spent("2026-02-01T02:00", "10", 1)]
    assert [row["drawn"] for row in states(book, [small, replace(small, rule_id=2)], uses)] == [10, 10]


def test_spend_in_another_currency_draws_nothing(book: duckdb.DuckDBPyConnection) -> None:
    (row,) = states(book, [YEAR], [replace(spent("2026-02-01T00:00", "5"), currency="EUR")])
    assert (row["drawn"], row["uncounted_calls"], row["coverage"]) == (0, 1, None)


def daily(cost: str, since: str, days: int) -> list[Use]:
    return [Use(utc(f"{since}T06:00") + timedelta(days=n), (1,), Decimal(cost)) for n in range(days)]


@pytest.mark.parametrize(
    ("cost", "run_out_on", "breakage"),
    [
        ("10", date(2026, 8, 20), 0),  # 280 of 1000 in 28 days: 720 last 72 days, today the first
        ("2.8", None, Decimal("347.6")),  # 921.6 left, and 205 days at 2.8
        ("36", None, 0),
    ],
)
def test_the_pace_of_four_weeks_tells_when_it_runs_out_or_what_will_be_left(
    book: duckdb.DuckDBPyConnection, cost: str, run_out_on: date | None, breakage: Decimal
) -> None:
    (row,) = states(book, [YEAR], daily(cost, "2026-05-13", 28))
    if cost == "36":
        assert (row["status"], row["run_out_on"], row["expected_breakage"]) == ("exhausted", date(2026, 6, 9), 0)
        return
    assert (row["status"], row["run_out_on"], row["expected_breakage"]) == ("active", run_out_on, breakage)


@pytest.mark.parametrize(
    ("cost", "run_out_on", "breakage"), [("10", date(2026, 6, 29), 0), ("9.99", None, Decimal("0.1"))]
)
def test_what_runs_out_on_the_last_day_leaves_nothing(
    book: duckdb.DuckDBPyConnection, cost: str, run_out_on: date | None, breakage: Decimal
) -> None:
    rule = replace(YEAR, commitment=Decimal(cost) * 28 + 200, until=day("2026-06-30"))
    (row,) = states(book, [rule], daily(cost, "2026-05-13", 28))
    assert (row["run_out_on"], row["expected_breakage"]) == (run_out_on, breakage * 2)


def test_a_young_commitments_pace_is_of_its_own_days(book: duckdb.DuckDBPyConnection) -> None:
    rule = replace(YEAR, since=day("2026-06-06"), until=None, commitment=Decimal(100))
    (row,) = states(book, [rule], daily("5", "2026-06-06", 4))
    assert (row["run_out_on"], row["expected_breakage"]) == (date(2026, 6, 25), 0)


@pytest.mark.parametrize(
    ("since", "until", "status", "paid"),
    [("2026-07-01", None, "upcoming", 0), ("2026-01-01", "2026-06-01", "expired", 900), (None, None, "active", 900)],
)
def test_a_commitment_has_a_state(
    book: duckdb.DuckDBPyConnection, since: str | None, until: str | None, status: str, paid: int
) -> None:
    (row,) = states(book, [replace(YEAR, since=day(since), until=day(until))], [])
    assert (row["status"], row["paid"], row["bought"], row["remaining"], row["utilisation"]) == (
        status,
        paid,
        1000,
        1000,
        0,
    )
    assert row["expected_breakage"] == {"upcoming": None, "expired": 1000, "active": 0}[status]


def test_seats_stand_there_with_their_users_where_calls_name_them(book: duckdb.DuckDBPyConnection) -> None:
    seats = Rule(1, since=day("2026-05-01"), fee=Decimal(30), per="month", quantity=Decimal(4))
    named = [replace(spent(f"2026-{at}T00:00", "1"), tags={"user": user}) for at, user in
             (("06-01", "ann"), ("06-02", "bob"), ("06-03", "ann"), ("05-31", "eve"))]  # fmt: skip
    (row,) = states(book, [seats], named, utc("2026-06-16T00:00"))
    assert (row["kind"], row["unit"], row["bought"], row["paid"]) == ("seats", "seat", 4, 180)
    assert (row["drawn"], row["remaining"], row["utilisation"]) == (2, 2, Decimal("0.5"))
    (row,) = states(book, [seats], [spent("2026-06-01T00:00", "1")])
    assert (row["drawn"], row["remaining"], row["utilisation"]) == (None, None, None)


def test_a_contract_may_begin_and_end_within_a_day(book: duckdb.DuckDBPyConnection) -> None:
    noon = utc("2026-02-01T12:00")
    rules = [replace(YEAR, until=noon), replace(YEAR, rule_id=2, since=noon)]
    uses = [
        spent(f"2026-02-01T{at}", cost, 1, 2) for at, cost in (("11:59:59.999999", "1"), ("12:00", "2"), ("13:00", "4"))
    ]
    assert [row["drawn"] for row in states(book, rules, uses)] == [1, 6]
