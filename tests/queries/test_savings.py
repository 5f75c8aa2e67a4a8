"""Savings by lever, and what caching saved: by hand, and against every charge one by one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from meter.ledger import Ledger
from tests.queries.sample import MINI, SONNET, made
from tests.queries.varied import dicts

MILLION = Decimal(1_000_000)
TWELFTH = Decimal("1e-12")
MONTH = "date_trunc('month', started_at AT TIME ZONE current_setting('TimeZone'))::DATE"
KEYS = ("month", "provider", "model", "currency", "list_currency")
FRESH = {"cache_read": "input", "cache_write": "input", "cache_write_5m": "input", "cache_write_1h": "input"}

Key = tuple[Any, ...]


def only(ledger: Ledger, view: str = "savings") -> dict[str, Any]:
    (row,) = dicts(ledger, f"FROM {view}")
    return row


def test_a_cache_saves_the_difference_to_fresh_input_and_writing_to_it_costs_more(tmp_path: Path) -> None:
    usage = {"input": 100, "cache_read": 10_000, "cache_write_5m": 2_000, "output": 50}
    row = only(made(tmp_path, [("2026-10-20T10:00", {**SONNET, "usage": usage})]))
    paid = (100 * 3 + 10_000 * Decimal("0.3") + 2_000 * Decimal("3.75") + 50 * 15) / MILLION
    fresh = (12_100 * 3 + 50 * 15) / MILLION
    assert (row["list_cost"], row["full_list_cost"], row["cache_savings"]) == (paid, fresh, fresh - paid)
    assert (row["batch_savings"], row["flex_savings"], row["contract_savings"], row["commitment_savings"]) == (
        0,
        0,
        0,
        0,
    )
    assert row["effective_savings_rate"] == ((fresh - paid) / fresh).quantize(TWELFTH, ROUND_HALF_UP)


def test_batch_and_flex_save_the_difference_to_the_standard_price(tmp_path: Path) -> None:
    usage = {"input": 1_000_000, "output": 100_000}
    gpt5 = {**MINI, "request_model": "gpt-5", "response_model": "gpt-5", "usage": usage}
    calls = [("2026-10-20T10:00", {**gpt5, "tier": tier}) for tier in ("batch", "flex", "default", "priority")]
    row = only(made(tmp_path, calls))
    standard, half, priority = Decimal("2.25"), Decimal("1.125"), Decimal("4.5")
    assert row["list_cost"] == standard + 2 * half + priority
    assert (row["batch_savings"], row["flex_savings"]) == (half, half)
    assert row["full_list_cost"] == row["list_cost"] + 2 * half


def test_a_batch_of_long_input_is_compared_with_the_standard_price_of_long_input(tmp_path: Path) -> None:
    calls = [
        ("2026-10-20T10:00", {**SONNET, "tier": "batch", "usage": {"input": tokens}}) for tokens in (200_000, 200_001)
    ]
    row = only(made(tmp_path, calls))
    assert row["batch_savings"] == Decimal("0.30") + 200_001 * Decimal("3.0") / MILLION


def test_a_contract_and_a_commitment_save_what_lies_between_the_three_costs(tmp_path: Path) -> None:
    ledger = made(tmp_path, [("2026-10-20T10:00", {**MINI, "usage": {"input": 2_000_000}})] * 2)
    with ledger.writing() as con:
        con.execute("UPDATE ledger.calls SET contracted_cost_if_other = 0.24, effective_cost_if_other = 0.20")
    row = only(ledger)
    assert [row[f"{kind}_cost"] for kind in ("list", "contracted", "effective")] == [
        Decimal("0.6"),
        Decimal("0.48"),
        Decimal("0.4"),
    ]
    assert (row["contract_savings"], row["commitment_savings"]) == (Decimal("0.12"), Decimal("0.08"))
    assert (row["saved"], row["effective_savings_rate"]) == (Decimal("0.2"), Decimal("0.333333333333"))


def test_costs_in_two_currencies_have_no_difference(tmp_path: Path) -> None:
    ledger = made(tmp_path, [("2026-10-20T10:00", {**MINI, "usage": {"input": 2_000_000}})])
    with ledger.writing() as con:
        con.execute("UPDATE ledger.calls SET contracted_cost_if_other = 0.24, currency = 'EUR'")
    row = only(ledger)
    assert (row["currency"], row["list_currency"], row["contract_savings"]) == ("EUR", "USD", None)
    assert (row["saved"], row["effective_savings_rate"]) == (None, None)


@pytest.mark.parametrize("which", ["sample", "euros", "varied"])
def test_costs_tie_out_to_the_calls_to_the_last_digit(which: str, request: pytest.FixtureRequest) -> None:
    ledger: Ledger = request.getfixturevalue(which)
    by = f"""
        SELECT {{}} AS month, provider, {{}} AS model, currency, list_currency, {{}} AS calls, sum(list_cost) AS list_cost,
            sum(contracted_cost) AS contracted_cost, sum(effective_cost) AS effective_cost
        FROM {{}} GROUP BY {", ".join(KEYS)} ORDER BY ALL
    """
    calls = by.format(MONTH, "coalesce(response_model, request_model)", "count(*)", "calls")
    calls = calls.replace("GROUP BY month, provider, model", "GROUP BY 1, provider, 3")
    savings = by.format("month", "model", "sum(calls)", "savings")
    assert dicts(ledger, savings) == dicts(ledger, calls) != []


def test_each_lever_equals_the_sum_over_all_charges_one_by_one(varied: Ledger) -> None:
    found = {tuple(row[key] for key in KEYS): row for row in dicts(varied, "FROM savings")}
    levers = one_by_one(varied)
    assert sum(levers["cache"].values()) and sum(levers["batch"].values()) and sum(levers["flex"].values())
    for name, sums in levers.items():
        assert {key: row[f"{name}_savings"] for key, row in found.items() if row[f"{name}_savings"]} == {
            key: amount for key, amount in sums.items() if amount
        }


def test_what_caching_saved_equals_the_sum_over_all_charges_one_by_one(varied: Ledger) -> None:
    sums: dict[Key, Decimal] = {}
    for (_, provider, model, _, list_currency), amount in one_by_one(varied)["cache"].items():
        key = provider, model, list_currency
        sums[key] = sums.get(key, Decimal(0)) + amount
    rows = dicts(varied, "FROM cache_savings")
    assert {(row["provider"], row["model"], row["list_currency"]): row["saved"] for row in rows} == {
        key: amount for key, amount in sums.items() if amount
    }
    totals = dicts(
        varied,
        """SELECT provider, sum(quantity) FILTER (usage_class = 'cache_read') AS cache_read_tokens,
            sum(quantity) FILTER (usage_class <> 'cache_read') AS cache_write_tokens, sum(charges.list_cost) AS list_cost
        FROM charges JOIN calls USING (call_id)
        WHERE starts_with(usage_class, 'cache_') AND charges.list_cost IS NOT NULL GROUP BY provider ORDER BY provider""",
    )
    assert totals == dicts(
        varied,
        """SELECT provider, sum(cache_read_tokens) AS cache_read_tokens, sum(cache_write_tokens) AS cache_write_tokens,
            sum(list_cost) AS list_cost FROM cache_savings GROUP BY provider ORDER BY provider""",
    )


def one_by_one(ledger: Ledger) -> dict[str, dict[Key, Decimal]]:
    """Return what each lever saved by month and model, from the charges and the price book alone."""
    cards = {row["rate_card_id"]: row for row in dicts(ledger, "SELECT * FROM ledger.rate_cards")}
    standard: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for card in cards.values():
        if not card["conditions"]:
            standard.setdefault((card["provider"], card["model"]), []).append(card)
    charges = dicts(
        ledger,
        f"""SELECT {MONTH} AS month, provider, coalesce(response_model, request_model) AS model, calls.currency,
            calls.list_currency, calls.started_at, coalesce(calls.input_tokens, 0) AS total_input, calls.rate_card_id,
            usage_class, quantity, charges.list_cost
        FROM charges JOIN calls USING (call_id) WHERE charges.list_cost IS NOT NULL AND calls.rate_card_id IS NOT NULL""".replace(
            "started_at AT", "calls.started_at AT"
        ),
    )
    sums: dict[str, dict[Key, Decimal]] = {"cache": {}, "batch": {}, "flex": {}}
    for charge in charges:
        key = tuple(charge[name] for name in KEYS)
        card = cards[charge["rate_card_id"]]
        for lever, saved in _saved(charge, card, standard[card["provider"], card["model"]]):
            sums[lever][key] = sums[lever].get(key, Decimal(0)) + saved
    return sums


def _saved(
    charge: Mapping[str, Any], card: Mapping[str, Any], standard: list[dict[str, Any]]
) -> list[tuple[str, Decimal]]:
    found, name, quantity = [], charge["usage_class"], charge["quantity"]
    if name in FRESH:
        found.append(("cache", quantity * card["unit_prices"][FRESH[name]] - charge["list_cost"]))
    lever = {"processing=batch": "batch", "service_tier=flex": "flex"}.get(card["conditions"])
    if lever:
        (usual,) = [one for one in standard if _holds(one, charge)]
        price = (usual["fine_prices"] or {}).get(name) or usual["unit_prices"][name]
        billed = max(quantity, (usual["minimums"] or {}).get(name, quantity))
        found.append((lever, (billed * price).quantize(TWELFTH, ROUND_HALF_UP) - charge["list_cost"]))
    return found


def _holds(card: Mapping[str, Any], charge: Mapping[str, Any]) -> bool:
    moment, tokens = charge["started_at"], charge["total_input"]
    return (
        (card["valid_from"] is None or card["valid_from"] <= moment)
        and (card["valid_to"] is None or moment < card["valid_to"])
        and (card["input_over"] is None or card["input_over"] < tokens)
        and (card["input_up_to"] is None or tokens <= card["input_up_to"])
    )


CONTRACT = """
[contracts.framework]
provider = "openai"
multiplier = "0.8"
from = 2026-10-15
"""


def test_a_contract_saves_from_its_first_day_on(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "meter.toml").write_text(CONTRACT)
    usage = {"input": 1_000_000, "cache_read": 1_000_000}
    days = ("2026-10-14T23:59", "2026-10-15T00:00", "2026-10-16T12:00")
    row = only(made(tmp_path, [(day, {**MINI, "usage": usage}) for day in days]))
    assert (row["list_cost"], row["contracted_cost"]) == (Decimal("0.675"), Decimal("0.585"))
    assert (row["cache_savings"], row["contract_savings"]) == (Decimal("0.225"), Decimal("0.09"))
    assert row["full_list_cost"] - row["effective_cost"] == row["saved"] == Decimal("0.315")
    assert row["effective_savings_rate"] == Decimal("0.35")
