"""Cost per call by the size of its input, and what long input cost more."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from meter.ledger import Ledger
from tests.queries.sample import MINI, SONNET, made
from tests.queries.varied import dicts

EDGES = (0, 1_000, 8_000, 32_000, 128_000, 200_000, 1_000_000)
MONTH = "date_trunc('month', calls.started_at AT TIME ZONE current_setting('TimeZone'))::DATE"


def band(tokens: int | None) -> tuple[int | None, int | None]:
    """Return the size that a call of so many input tokens is of."""
    if tokens is None:
        return None, None
    over = max((edge for edge in EDGES if edge < tokens), default=0)
    return over, next((edge for edge in EDGES if edge > over), None)


def test_a_call_at_the_boundary_is_short_and_one_token_more_is_long(tmp_path: Path) -> None:
    calls = [("2026-10-20T10:00", {**SONNET, "usage": {"input": tokens}}) for tokens in (200_000, 200_001, 200_001)]
    short, long = dicts(made(tmp_path, calls), "FROM context_cost")
    assert (short["input_over"], short["input_up_to"], short["calls"]) == (128_000, 200_000, 1)
    assert (short["effective_cost"], short["long_context_premium"]) == (Decimal("0.6"), 0)
    assert (long["input_over"], long["input_up_to"], long["calls"]) == (200_000, 1_000_000, 2)
    assert (long["effective_cost"], long["cost_per_call"]) == (Decimal("2.400012"), Decimal("1.200006"))
    assert long["long_context_premium"] == Decimal("1.200006")


@pytest.mark.parametrize("tokens", [0, 1, *(edge + step for edge in EDGES[1:] for step in (0, 1))])
def test_a_size_begins_above_its_lower_edge(tokens: int, empty: Ledger) -> None:
    assert dicts(empty, "SELECT ledger.input_size(?::BIGINT) AS up_to", [tokens]) == [{"up_to": band(tokens)[1]}]


def test_the_cost_per_call_is_exact_and_of_the_calls_that_have_one(tmp_path: Path) -> None:
    usages: list[dict[str, int]] = [{"input": 1}, {"input": 1}, {"input": 5}, {"input": 7, "web_fetches": 1}]
    ledger = made(tmp_path, [("2026-10-20T10:00", {**MINI, "usage": usage}) for usage in usages])
    with ledger.writing() as con:
        con.execute("UPDATE ledger.calls SET list_cost = NULL, price_status = 'unpriced' WHERE input = 7")
    (row,) = dicts(ledger, "FROM context_cost")
    assert (row["calls"], row["costed_calls"], row["input_tokens"]) == (4, 3, 14)
    assert (row["effective_cost"], row["cost_per_call"]) == (Decimal("0.00000105"), Decimal("0.00000035"))


@pytest.mark.parametrize(
    ("amount", "divisor", "expected"),
    [
        ("1", "3", "0.333333333333"),
        ("2", "3", "0.666666666667"),
        ("-2", "3", "-0.666666666667"),
        ("0.000000000001", "2", "0.000000000001"),
        ("-0.000000000001", "2", "-0.000000000001"),
        ("0.000000000001", "3", "0"),
        ("9999999999999.999999999999", "0.5", "19999999999999.999999999998"),
        ("9999999999999.999999999999", "7", "1428571428571.428571428571"),
        ("0", "7", "0"),
        ("1", "0", None),
        (None, "1", None),
        ("1", None, None),
    ],
)
def test_a_quotient_is_rounded_once_half_up(empty: Ledger, amount: Any, divisor: Any, expected: str | None) -> None:
    (row,) = dicts(
        empty, "SELECT ledger.quotient(?::DECIMAL(38, 12), ?::DECIMAL(38, 12)) AS quotient", (amount, divisor)
    )
    assert row["quotient"] == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize("which", ["sample", "euros", "varied"])
def test_sizes_equal_the_calls_one_by_one(which: str, request: pytest.FixtureRequest) -> None:
    ledger: Ledger = request.getfixturevalue(which)
    expected: dict[tuple[Any, ...], dict[str, Any]] = {}
    for call in dicts(ledger, CALLS):
        key = call["month"], call["provider"], call["model"], call["currency"], *band(call["input_tokens"])
        sums = expected.setdefault(
            key, dict.fromkeys(("calls", "costed", "input", "cost", "list", "premium"), Decimal(0))
        )
        sums["calls"] += 1
        sums["costed"] += call["effective_cost"] is not None
        for name, amount in (
            ("input", "input_tokens"),
            ("cost", "effective_cost"),
            ("list", "list_cost"),
            ("premium", "premium"),
        ):
            sums[name] += call[amount] or 0
    found = dicts(ledger, "FROM context_cost")
    assert len(found) == len(expected)
    for row in found:
        key = row["month"], row["provider"], row["model"], row["currency"], row["input_over"], row["input_up_to"]
        sums = expected[key]
        assert (row["calls"], row["costed_calls"], row["input_tokens"] or 0) == (
            sums["calls"],
            sums["costed"],
            sums["input"],
        )
        assert (row["effective_cost"] or 0, row["list_cost"] or 0) == (sums["cost"], sums["list"])
        assert row["long_context_premium"] == sums["premium"]
        if sums["costed"]:
            mean = (sums["cost"] / sums["costed"]).quantize(Decimal("1e-12"), ROUND_HALF_UP)
            assert row["cost_per_call"] == mean


def test_long_input_cost_more_somewhere(varied: Ledger) -> None:
    assert {row["model"] for row in dicts(varied, "FROM context_cost WHERE long_context_premium > 0")} == {
        "claude-sonnet-4-5",
        "gemini-2.5-pro",
    }


CALLS = f"""
SELECT {MONTH} AS month, calls.provider, coalesce(response_model, request_model) AS model, calls.currency, input_tokens,
    any_value(calls.effective_cost) AS effective_cost, any_value(calls.list_cost) AS list_cost,
    sum(charges.list_cost - charges.quantity::DECIMAL(18, 0)::DECIMAL(20, 0) * short.unit_prices[usage_class]) AS premium
FROM calls
LEFT JOIN charges USING (call_id)
LEFT JOIN ledger.rate_cards AS long ON long.rate_card_id = calls.rate_card_id AND long.input_over > 0
LEFT JOIN ledger.rate_cards AS short ON short.offer_id = long.offer_id AND short.input_over IS NULL
    AND short.valid_from IS NOT DISTINCT FROM long.valid_from
GROUP BY call_id, calls.started_at, calls.provider, response_model, request_model, calls.currency, input_tokens
"""
