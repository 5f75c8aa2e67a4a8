"""Fees by hand, and their shares: hours in UTC, months and parts of months, and nothing lost between parts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from meter.ledger import migrate
from tests.monthly.asking import adjustments, amounts, ask
from tests.monthly.facts import Rule, Use, day, utc
from tests.queries.statements import ROUNDING

HOURLY = Rule(
    1, since=day("2026-03-30"), until=day("2026-04-02"), fee=Decimal("12.50"), per="hour", quantity=Decimal(3)
)
MONTHLY = Rule(1, since=day("2026-02-15"), fee=Decimal(100), per="month")


def test_an_hour_costs_its_fee_times_the_number_whatever_the_clocks_do(book: duckdb.DuckDBPyConnection) -> None:
    assert amounts(adjustments(book, [HOURLY])) == [("2026-03", 1800), ("2026-04", 900)]
    berlin = replace(HOURLY, since=day("2026-03-28"), until=day("2026-03-31"))  # clocks go forward on the 29th
    (row,) = adjustments(book, [berlin], zone="Europe/Berlin")
    assert (row["amount"], row["quantity"], row["unit"], row["basis"]) == (2700, 216, "hour", Decimal("12.5"))
    assert row["description"] == "216 × 12.5 USD per hour"


def test_a_month_in_the_ledgers_time_zone_ends_within_a_utc_day(book: duckdb.DuckDBPyConnection) -> None:
    rows = adjustments(book, [replace(HOURLY, quantity=None)], zone="Asia/Tokyo")
    assert amounts(rows) == [("2026-03", Decimal("487.5")), ("2026-04", Decimal("412.5"))]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-30T00:00", []),
        ("2026-03-30T00:00:36", [("2026-03", Decimal("0.375"))]),
        ("2026-04-01T12:00", [("2026-03", 1800), ("2026-04", 450)]),
    ],
)
def test_a_fee_accrues_up_to_now(
    book: duckdb.DuckDBPyConnection, now: str, expected: list[tuple[str, Decimal | int]]
) -> None:
    assert amounts(adjustments(book, [HOURLY], now=utc(now))) == expected


def test_whole_months_cost_the_fee_and_parts_their_share(book: duckdb.DuckDBPyConnection) -> None:
    rows = adjustments(book, [MONTHLY], now=utc("2026-05-16T12:00"))
    assert amounts(rows) == [("2026-02", 50), ("2026-03", 100), ("2026-04", 100), ("2026-05", 50)]


def test_two_parts_of_a_month_make_the_month(book: duckdb.DuckDBPyConnection) -> None:
    first = Rule(
        1,
        since=day("2026-03-01"),
        until=day("2026-03-08"),
        fee=Decimal("0.1"),
        per="month",
        quantity=Decimal("0.000007"),
    )
    second = replace(first, rule_id=2, since=day("2026-03-08"), until=day("2026-04-01"))
    assert sum(amount for _, amount in amounts(adjustments(book, [first, second]))) == Decimal("0.0000007")


def test_once_is_in_the_month_it_begins_in(book: duckdb.DuckDBPyConnection) -> None:
    rule = Rule(1, since=day("2026-03-31"), fee=Decimal("2.5"), per="once", quantity=Decimal(3))
    assert amounts(adjustments(book, [rule])) == [("2026-03", Decimal("7.5"))]
    assert adjustments(book, [rule], now=utc("2026-03-30T00:00")) == []


def test_a_fee_without_a_beginning_runs_since_the_contract_was_known(book: duckdb.DuckDBPyConnection) -> None:
    rows = adjustments(book, [replace(MONTHLY, since=None)], now=utc("2026-03-01T00:00"))
    assert amounts(rows) == [("2026-01", 100), ("2026-02", 100)]


SPREAD = Rule(1, since=day("2026-03-01"), until=day("2026-05-01"), fee=Decimal(100), per="month", spread=True)


def use(at: str, tokens: int, team: str | None = None, service: str = "shop") -> Use:
    return Use(utc(at), (1,), Decimal(0), tokens, service=service, tags={"team": team} if team else {})


def test_a_fee_is_dealt_out_by_tokens_and_its_parts_make_it(book: duckdb.DuckDBPyConnection) -> None:
    uses = [use(f"2026-03-0{n}T00:00", 1, team) for n, team in enumerate(["a", "b", None], 1)]
    adjustments(book, [SPREAD], uses)
    found = {(row["month"], row["team"]): row["amount"] for row in ask(book, "adjustment_shares")}
    assert sorted(found.values()) == [Decimal("33.333333333333")] * 2 + [Decimal("33.333333333334"), 100]
    assert {team for _, team in found} == {"a", "b", "(untagged)", "(unused)"}
    assert found[date(2026, 4, 1), "(unused)"] == 100  # nobody called in April


def test_calls_outside_the_contracts_days_carry_none_of_it(book: duckdb.DuckDBPyConnection) -> None:
    adjustments(
        book,
        [replace(SPREAD, since=day("2026-03-10"))],
        [use("2026-03-09T23:59", 9, "a"), use("2026-03-10T00:00", 1, "b")],
    )
    assert {row["team"] for row in ask(book, "adjustment_shares") if row["month"] == date(2026, 3, 1)} == {"b"}


def test_whatever_is_not_spread_stands_there_whole(book: duckdb.DuckDBPyConnection) -> None:
    adjustments(book, [replace(SPREAD, spread=False, until=day("2026-04-01"))], [use("2026-03-02T00:00", 5, "a")])
    (row,) = ask(book, "adjustment_shares")
    assert (row["team"], row["tokens"], row["service"], row["amount"]) == ("(unallocated)", None, None, 100)


def test_the_public_views_are_as_of_now_and_carry_booked_corrections(book: duckdb.DuckDBPyConnection) -> None:
    adjustments(book, [replace(HOURLY, spread=True)], [use("2026-03-30T01:00", 5, "a")])
    book.execute("TRUNCATE ledger.adjustments")
    book.execute(
        "INSERT INTO ledger.adjustments VALUES"
        " (1, '2026-04-01', '2026-03-01', 'openai', NULL, 'm', NULL, 'correction', -3.5, 'usd', NULL, 'a slip', 'ann', now())"
    )
    book.execute("INSERT INTO ledger.periods VALUES ('2026-03-01', 'closed', now(), 'ann', NULL)")
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for name in ("adjustments", "adjustment_shares"):
        view = (Path(migrate.__file__).parents[2] / "queries" / "views" / f"{name}.sql").read_text("utf-8")
        book.execute(f"CREATE OR REPLACE VIEW main.{name} AS {view}")
        sums[name] = book.execute(f"SELECT sum(amount) FROM main.{name}").fetchall()[0][0]
    assert set(sums.values()) == {Decimal("2696.5")}
    found = book.execute(
        "SELECT period_state, kind, currency, for_month, description FROM main.adjustments ORDER BY ALL"
    ).fetchall()
    assert found[0][:3] == ("closed", "fee", "USD")
    assert found[1] == ("open", "correction", "USD", date(2026, 3, 1), "a slip")
    book.execute(
        "TRUNCATE ledger.adjustments; TRUNCATE ledger.periods; DROP VIEW main.adjustments; DROP VIEW main.adjustment_shares"
    )


@pytest.mark.parametrize("name", ["monthly", "adjustments"])
def test_no_amount_goes_through_a_division_in_doubles(name: str) -> None:
    (text,) = (migration.sql for migration in migrate.known() if migration.name == name)
    code = "\n".join(line.partition("--")[0] for line in text.splitlines()).replace("//", "")
    assert not [word for word in ROUNDING if f"{word}(" in code]
    assert "/" not in code
    assert "DOUBLE" not in code


@pytest.mark.parametrize(
    ("amount", "part", "whole", "expected"),
    [
        ("10", "1", "3", "3.333333333333"),
        ("-10", "2", "3", "-6.666666666667"),
        ("0.000000000001", "1", "2", "0.000000000001"),
        ("0.000000000001", "1", "3", "0"),
        ("5", "1", "0", "0"),
        ("79999999999999999999.999999999999", "1" + "0" * 29, "3" + "0" * 29, "26666666666666666666.666666666666"),
        ("79999999999999999999.999999999999", "9" * 30, "9" * 30, "79999999999999999999.999999999999"),
    ],
)
def test_a_proportion_is_exact_at_any_size(
    book: duckdb.DuckDBPyConnection, amount: str, part: str, whole: str, expected: str
) -> None:
    asked = "SELECT ledger.proportion(?::DECIMAL(38, 12), ?::HUGEINT, ?::HUGEINT)"
    assert book.execute(asked, [amount, part, whole]).fetchall() == [(Decimal(expected),)]
