"""What has no price: why, since when, and what it would cost if priced like its nearest relatives."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from meter.ledger import Ledger
from meter.pricing.explain import explain
from meter.pricing.relatives import nearest
from tests.ledger.records import rows
from tests.queries.sample import MINI, SONNET, Recorded, made
from tests.queries.varied import dicts

MILLION = Decimal(1_000_000)
OCTOBER = "2026-10-20T10:00"


def unpriced(folder: Path, *calls: Recorded) -> list[dict[str, Any]]:
    return dicts(made(folder, calls), "FROM unpriced")


def mini(**fields: Any) -> Recorded:
    return OCTOBER, {**MINI, **fields}


def test_another_spelling_is_bounded_by_the_very_model(tmp_path: Path) -> None:
    (row,) = unpriced(
        tmp_path,
        mini(request_model="acme/GPT4o-mini-2031-01-01", response_model=None, usage={"input": 1_000_000, "output": 7}),
    )
    assert (row["likely_alias"], row["relatives"]) == ("gpt-4o-mini", ["openai/gpt-4o-mini"])
    cost = (1_000_000 * Decimal("0.15") + 7 * Decimal("0.6")) / MILLION
    assert (row["bound_low"], row["bound_high"], row["currency"], row["unbounded_classes"]) == (cost, cost, "USD", None)
    assert row["reason"] == "the price book has no model 'acme/GPT4o-mini-2031-01-01' of openai"


def test_a_model_of_tomorrow_is_bounded_by_the_cheapest_and_the_dearest_of_its_size(tmp_path: Path) -> None:
    usage = {"input": 2_000_000, "cache_read": 1_000_000, "output": 1_000_000}
    (row,) = unpriced(tmp_path, mini(request_model="o9-mini", response_model=None, usage=usage))
    assert row["likely_alias"] == row["relatives"][0].removeprefix("openai/")
    assert 1 <= len(row["relatives"]) <= 3
    assert 0 < row["bound_low"] <= row["bound_high"]
    assert row["first_at"] == row["last_at"] == datetime(2026, 10, 20, 10, tzinfo=timezone.utc)


def test_an_unknown_tier_is_bounded_by_the_models_own_offers(tmp_path: Path) -> None:
    (row,) = unpriced(tmp_path, mini(tier="turbo", usage={"input": 1_000_000}))
    assert (row["reason"], row["service_tier"]) == (
        "openai has no price for gpt-4o-mini under: service_tier=turbo",
        "turbo",
    )
    assert (row["likely_alias"], row["relatives"]) == (None, ["openai/gpt-4o-mini"])
    assert (row["bound_low"], row["bound_high"]) == (Decimal("0.075"), Decimal("0.25"))


def test_a_call_before_the_first_day_of_its_price_says_which_day_that_is(tmp_path: Path) -> None:
    (row,) = unpriced(tmp_path, ("2026-10-01T00:00", {**MINI, "tier": "batch", "usage": {"input": 10}}))
    assert row["reason"] == "openai has no price for gpt-4o-mini under: processing=batch, before 2026-10-14"
    assert (row["bound_low"], row["bound_high"]) == (10 * Decimal("0.075") / MILLION, 10 * Decimal("0.25") / MILLION)


def test_a_class_without_a_price_is_named_and_has_no_bound(tmp_path: Path) -> None:
    usage = {"input": 5, "web_fetches": 1, "code_executions": 2}
    (row,) = unpriced(tmp_path, (OCTOBER, {**SONNET, "usage": usage}))
    assert (row["price_status"], row["usage_classes"]) == ("partial", ["code_executions", "web_fetches"])
    assert row["reason"] == "claude-sonnet-4-5 has no price for: code_executions, web_fetches"
    assert (row["bound_low"], row["bound_high"], row["currency"]) == (None, None, None)
    assert row["unbounded_classes"] == ["code_executions", "web_fetches"]


def test_a_class_that_no_relative_prices_is_left_out_of_the_bound_and_named(tmp_path: Path) -> None:
    usage = {"input": 1_000_000, "web_fetches": 3}
    (row,) = unpriced(tmp_path, mini(request_model="gpt4o-mini", response_model=None, usage=usage))
    assert (row["bound_low"], row["bound_high"]) == (Decimal("0.15"), Decimal("0.15"))
    assert row["unbounded_classes"] == ["web_fetches"]


def test_a_name_like_no_other_has_no_bound_and_an_unknown_seller_that_of_the_developer(tmp_path: Path) -> None:
    strange, ours = unpriced(
        tmp_path,
        mini(request_model="nobody-knows-it", response_model=None, usage={"input": 9}),
        mini(provider="our-gateway", request_model="gpt-4o-mini", response_model=None, usage={"input": 2}),
    )
    assert (strange["likely_alias"], strange["relatives"], strange["bound_high"]) == (None, [], None)
    assert ours["reason"] == "the price book has no provider 'our-gateway'"
    assert (ours["relatives"], ours["bound_high"]) == (["openai/gpt-4o-mini"], 2 * Decimal("0.15") / MILLION)


def test_the_context_that_a_price_depends_on_tells_two_reasons_apart(tmp_path: Path) -> None:
    fast = mini(context={"speed": "warp", "flow": "a"}, usage={"input": 1})
    odd = mini(context={"flow": "b"}, tier="turbo", usage={"input": 2})
    found = {row["reason"]: row["tokens"] for row in unpriced(tmp_path, fast, odd)}
    assert found == {
        "openai has no price for gpt-4o-mini under: speed=warp": 1,
        "openai has no price for gpt-4o-mini under: service_tier=turbo": 2,
    }


def test_reasons_are_those_that_explain_gives_of_each_call(varied: Ledger) -> None:
    expected: Counter[tuple[Any, ...]] = Counter()
    calls = dicts(
        varied, "SELECT call_id, coalesce(response_model, request_model) AS model, service_tier AS tier FROM calls"
    )
    with varied.reading() as connection:
        for one in calls:
            said = explain(connection, str(one["call_id"]))
            if said.call["price_status"] in ("unpriced", "partial"):
                expected[one["model"], one["tier"], said.reason] += 1
    found = {
        (row["model"], row["service_tier"], row["reason"]): row["calls"]
        for row in dicts(varied, "FROM unpriced WHERE price_status = 'unpriced'")
    }
    assert found == {key: count for key, count in expected.items() if key in found}
    assert sum(expected.values()) == sum(row["calls"] for row in dicts(varied, "FROM unpriced"))


def test_calls_tokens_and_classes_equal_the_charges_without_a_cost(varied: Ledger) -> None:
    old = """
        SELECT calls.provider, coalesce(calls.response_model, calls.request_model) AS model, calls.service_tier,
            calls.price_status, count(DISTINCT calls.call_id) AS calls,
            sum(charges.quantity) FILTER (charges.unit = 'token') AS tokens, min(calls.started_at) AS first_at,
            max(calls.started_at) AS last_at, list_sort(list(DISTINCT charges.usage_class)) AS usage_classes
        FROM calls JOIN charges ON charges.call_id = calls.call_id AND charges.effective_cost IS NULL
        WHERE calls.price_status = 'unpriced' OR (calls.price_status = 'partial' AND charges.quantity > 0)
        GROUP BY calls.provider, model, calls.service_tier, calls.price_status ORDER BY ALL
    """
    new = """
        SELECT provider, model, service_tier, price_status, sum(calls) AS calls, sum(tokens) AS tokens,
            min(first_at) AS first_at, max(last_at) AS last_at,
            list_sort(list_distinct(flatten(list(usage_classes)))) AS usage_classes
        FROM unpriced GROUP BY provider, model, service_tier, price_status ORDER BY ALL
    """
    assert dicts(varied, new) == dicts(varied, old) != []


def test_each_bound_equals_the_sum_of_its_classes_at_the_lowest_and_highest_price(varied: Ledger) -> None:
    cards = dicts(varied, "SELECT * FROM ledger.current_cards")
    bounded = 0
    for row in dicts(varied, "FROM unpriced WHERE bound_high IS NOT NULL"):
        near = {tuple(title.split("/", 1)) for title in row["relatives"]}
        known = row["likely_alias"] is None
        taken = [
            card
            for card in cards
            if (_seller(card["provider"]), card["model"]) in near and (known or not card["conditions"])
        ]
        held = {card["offer_id"] for card in taken if _meets(card, row)}
        meeting = [card for card in taken if _meets(card, row) or card["offer_id"] not in held]
        low = high = Decimal(0)
        for name, quantity in _quantities(varied, row).items():
            prices = [_price(card, name) for card in meeting if name in card["unit_prices"]]
            low += (quantity * min(prices)).quantize(Decimal("1e-12"), ROUND_HALF_UP) if prices else 0
            high += (quantity * max(prices)).quantize(Decimal("1e-12"), ROUND_HALF_UP) if prices else 0
        assert (row["bound_low"], row["bound_high"]) == (low, high)
        bounded += 1
    assert bounded > 5


def _seller(catalogue_id: str) -> str:
    return {"google": "gcp.gemini"}.get(catalogue_id, catalogue_id)


def _price(card: dict[str, Any], name: str) -> Decimal:
    return Decimal((card["fine_prices"] or {}).get(name) or card["unit_prices"][name])


def _meets(card: dict[str, Any], row: dict[str, Any]) -> bool:
    begins = card["valid_from"] is None or card["valid_from"] <= row["last_at"]
    return begins and (card["valid_to"] is None or card["valid_to"] > row["first_at"])


def _quantities(ledger: Ledger, row: dict[str, Any]) -> dict[str, Decimal]:
    found = dicts(
        ledger,
        """SELECT usage_class, sum(quantity) AS quantity FROM charges JOIN calls USING (call_id)
        WHERE charges.effective_cost IS NULL AND price_status = ? AND coalesce(response_model, request_model) = ?
            AND service_tier IS NOT DISTINCT FROM ? AND calls.started_at BETWEEN ? AND ? GROUP BY usage_class""",
        [row[name] for name in ("price_status", "model", "service_tier", "first_at", "last_at")],
    )
    return {one["usage_class"]: one["quantity"] for one in found}


@pytest.mark.parametrize(
    ("seller", "name", "expected"),
    [
        ("openai", "gpt4o_mini", "openai/gpt-4o-mini"),
        ("openai", "openai/gpt-4o-mini", "openai/gpt-4o-mini"),
        ("openai", "gpt-4o-mini-2033-03-03", "openai/gpt-4o-mini"),
        ("anthropic", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic/claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-5@20250929", "anthropic/claude-sonnet-4-5"),
        ("mistral", "mistral-large-3000", "mistral_ai/mistral-large"),
        (None, "models/gpt-4o-mini", "openai/gpt-4o-mini"),
    ],
)
def test_a_name_in_other_clothes_is_the_model_itself(seller: str | None, name: str, expected: str) -> None:
    assert [relative["title"] for relative in nearest(seller, (name,))] == [expected]


@pytest.mark.parametrize(
    ("seller", "name", "size"),
    [("openai", "gpt-9-mini", "mini"), ("anthropic", "claude-opus-9", "opus"), ("groq", "llama-9-70b", "70b")],
)
def test_relatives_are_of_the_same_size(seller: str, name: str, size: str) -> None:
    found = nearest(seller, (name,))
    assert found and all(size in relative["model"] for relative in found)


@pytest.mark.parametrize("name", ["nobody-knows-it", "my-deployment", "", "42", "-", "/", "x" * 500, "модель"])
def test_names_like_no_other_have_no_relatives(name: str) -> None:
    assert nearest("openai", (name,)) == []


ALIASES = """
[aliases]
ours = "gpt4o-mini"
"""


def test_an_alias_of_a_model_that_nobody_knows_is_named_and_its_relatives_are_those_of_what_it_stands_for(
    tmp_path: Path,
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "meter.toml").write_text(ALIASES)
    ledger = made(tmp_path, [mini(request_model="ours", response_model=None, usage={"input": 1_000_000})])
    (row,) = dicts(ledger, "FROM unpriced")
    ((call_id,),) = rows(ledger, "SELECT call_id FROM calls")
    with ledger.reading() as connection:
        assert row["reason"] == explain(connection, str(call_id)).reason
    assert "gpt4o-mini" in row["reason"]
    assert (row["model"], row["likely_alias"], row["bound_high"]) == ("ours", "gpt-4o-mini", Decimal("0.15"))
