"""Whatever the contracts and calls: the ledger says what the slow way says, and sums tie out to the last digit."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.monthly import oracle
from tests.monthly.asking import NOW, adjustments, ask, lines
from tests.monthly.facts import Rule, Use, utc

FIRST = utc("2026-01-01T00:00")
ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati"]
ATOM = Decimal("0.000000000001")
LIMITS = st.sampled_from(
    [Decimal(0), Decimal(10), Decimal(100), Decimal("100.000000000001"), Decimal(250), Decimal("99999999999999")]
)
COSTS = st.sampled_from(
    [Decimal(0), ATOM, Decimal(5), Decimal(10), Decimal(45), Decimal(90), 100 - ATOM]
) | st.decimals(0, 10**9, places=12)
FACTORS = st.sampled_from([Decimal(0), Decimal("0.5"), Decimal("0.9"), Decimal("1.25"), Decimal("0.333333333333")])
AMOUNTS = st.sampled_from([Decimal(1), Decimal(50), Decimal(100), Decimal("0.000000000007")]) | st.decimals(
    "0.01", 10**13, places=12
)
MOMENTS = st.builds(
    lambda days, extra: FIRST + timedelta(days=days) + extra,
    st.sampled_from([0, 1, 30, 31, 32, 58, 59, 90, 120]) | st.integers(-20, 160),
    st.sampled_from([timedelta(0), timedelta(hours=12), timedelta(hours=23, minutes=45), -timedelta(microseconds=1)]),
)
OPTIONAL_QUANTITY = st.none() | st.decimals("0.000001", 10**4, places=6)


@st.composite
def rules_of(draw: st.DrawFn, number: int) -> Rule:
    since, until = sorted([draw(MOMENTS), draw(MOMENTS)])
    fields: dict[str, Any] = {
        "since": draw(st.sampled_from([None, since])),
        "until": draw(st.sampled_from([None, until + timedelta(microseconds=1)])),
        "currency": draw(st.sampled_from(["USD", "USD", "EUR"])),
    }
    if draw(st.booleans()):
        tiers = draw(st.lists(st.tuples(LIMITS, FACTORS), max_size=4, unique_by=lambda tier: tier[0]))
        fields |= {"by": draw(st.sampled_from(["spend", "tokens"])), "tiers": tuple(tiers)}
        fields |= {
            "method": draw(st.sampled_from(["graduated", "all_units"])),
            "period": draw(st.sampled_from(["month", "term"])),
        }
        if fields["by"] == "tokens":
            fields["tiers"] = tuple((over.to_integral_value(), factor) for over, factor in tiers if over == int(over))
    if draw(st.booleans()):
        fields |= {"commitment": draw(AMOUNTS), "price": draw(st.none() | AMOUNTS)}
    if draw(st.booleans()):
        fields |= {"fee": draw(AMOUNTS), "per": draw(st.sampled_from(["hour", "month", "once"]))}
        fields |= {"quantity": draw(OPTIONAL_QUANTITY), "spread": draw(st.booleans())}
    return Rule(number, **fields)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Rule], list[Use]]:
    rules = [draw(rules_of(number)) for number in range(1, draw(st.integers(1, 4)) + 1)]
    terms = st.lists(st.sampled_from([rule.rule_id for rule in rules]), unique=True).map(lambda ids: tuple(sorted(ids)))
    use = st.builds(
        Use,
        at=MOMENTS,
        terms=terms,
        cost=st.none() | COSTS,
        tokens=st.sampled_from([0, 1, 10, 90, 100, 101, 250]) | st.integers(0, 10**9),
        currency=st.sampled_from(["USD", "USD", "USD", "EUR"]),
        service=st.sampled_from(["shop", "desk"]),
        model=st.sampled_from(["large", "small"]),
        tags=st.sampled_from([{}, {"team": "search"}, {"team": "answers"}]),
    )
    return rules, draw(st.lists(use, max_size=14))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds(), zone=st.sampled_from(ZONES), now=MOMENTS | st.just(NOW))
def test_every_adjustment_equals_the_slow_way(
    book: duckdb.DuckDBPyConnection, world: tuple[list[Rule], list[Use]], zone: str, now: datetime
) -> None:
    rules, uses = world
    found = adjustments(book, rules, uses, now, zone)
    assert lines(found) == oracle.adjustments(rules, uses, ZoneInfo(zone), now)
    _months_make_the_term(rules, uses, ZoneInfo(zone), oracle.adjustments(rules, uses, ZoneInfo(zone), now))
    _shares_make_the_fees(book, rules, uses, ZoneInfo(zone), now)


def _months_make_the_term(rules: list[Rule], uses: list[Use], zone: ZoneInfo, found: list[oracle.Line]) -> None:
    for rule in rules:
        volume = sum(
            (amount for _, number, kind, amount in found if (number, kind) == (rule.rule_id, "volume")), Decimal(0)
        )
        if rule.by == "spend" and rule.period == "term" and rule.method == "graduated":
            assert volume == oracle.rounded(oracle.sliced(rule, Fraction(0), oracle.spend(oracle.counted(rule, uses))))
    drawn = oracle.draws(rules, uses, zone)
    for rule in rules:
        kinds = ("commitment_discount", "commitment_unused")
        paid = sum(
            (amount for _, number, kind, amount in found if number == rule.rule_id and kind in kinds), Decimal(0)
        )
        used = sum(drawn.get(rule.rule_id, {}).values())
        if rule.commitment is not None and used == rule.commitment:  # the last draw ties to the digit
            assert paid + rule.commitment == (rule.commitment if rule.price is None else rule.price)


def _shares_make_the_fees(
    book: duckdb.DuckDBPyConnection, rules: list[Rule], uses: list[Use], zone: ZoneInfo, now: datetime
) -> None:
    rows = ask(book, "adjustment_shares", now)
    sums: dict[tuple[date, int, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["month"], row["contract_rule_id"], row["kind"]] += row["amount"]
    whole = oracle.adjustments(rules, uses, zone, now)
    assert {key: amount for key, amount in sums.items() if key[2] != "volume" or amount} == {
        line[:3]: line[3] for line in whole
    }
    spread = {rule.rule_id: rule for rule in rules if rule.spread}
    for month, number, kind, amount in whole:
        if kind == "fee" and number in spread:
            expected = _expected(spread[number], uses, zone, month, amount)
            parts = {
                (row["service"], row["model"], row["team"]): row["amount"]
                for row in rows
                if (row["month"], row["contract_rule_id"], row["kind"]) == (month, number, kind)
            }
            assert parts == expected


def _expected(
    rule: Rule, uses: list[Use], zone: ZoneInfo, month: date, amount: Decimal
) -> dict[tuple[str, str, str], Decimal]:
    tokens: dict[tuple[str, str, str], int] = defaultdict(int)
    for use in uses:
        if rule.rule_id in use.terms and rule.holds(use.at) and oracle.month_of(use.at, zone) == month:
            tokens[use.service, use.model, use.tags.get("team", "(untagged)")] += use.tokens
    used = {key: count for key, count in tokens.items() if count}
    if not used:
        return {("(unused)", "(unused)", "(unused)"): amount}
    return {share.key: share.amount for share in oracle.shares(amount, used)}
