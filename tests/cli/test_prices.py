"""The price book, and the arithmetic of one call."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from meter.home import Home
from tests.cli.running import bare, run, run_terminal


def objects(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)
    assert isinstance(found, list)
    return found


def call_id(where: str) -> str:
    (row,) = objects(run("sql", f"SELECT call_id FROM calls WHERE {where} LIMIT 1", "--format", "json").out)
    return str(row["call_id"])


def test_prices_are_listed_exactly_and_by_what_they_are_for(sample: Home) -> None:
    rows = objects(run("prices", "list", "gpt-4o-mini", "--provider", "openai", "--format", "json").out)
    standard = {row["usage_class"]: (row["price"], row["per"]) for row in rows if row["conditions"] == "standard"}
    assert standard["input"] == ("0.15", "1M tokens")
    assert standard["cache_read"] == ("0.075", "1M tokens")
    assert standard["output"] == ("0.6", "1M tokens")
    assert "0.075" in run("prices", "list", "gpt-4o-mini").out
    assert all(row["currency"] == "USD" for row in rows)


def test_a_pattern_finds_models_of_every_provider(sample: Home) -> None:
    rows = objects(run("prices", "list", "claude-sonnet-4*", "--format", "json").out)
    assert len({row["provider"] for row in rows}) > 1
    assert all(row["model"].startswith("claude-sonnet-4") for row in rows)


def test_a_provider_goes_by_any_of_its_names(sample: Home) -> None:
    names = ("bedrock", "aws", "aws.bedrock")
    found = [run("prices", "list", "*haiku*", "--provider", name, "--format", "json").out for name in names]
    assert len(set(found)) == 1
    assert objects(found[0])


def test_prices_of_the_past_are_there_to_be_asked_for(sample: Home) -> None:
    now, ever = (
        len(objects(run("prices", "list", "o3", *more, "--format", "json").out)) for more in ([], ["--history"])
    )
    assert now <= ever
    assert run("prices", "list", "gpt-4o", "--at", "2026-01-01").code == 0
    for text in ("the other day", "30d", ""):
        refused = run("prices", "list", "gpt-4o", "--at", text)
        assert refused.code == 1
        assert f"{text!r} is not a day" in refused.err


def test_prices_are_known_before_anything_was_recorded(home: Home) -> None:
    shown = run("prices", "list", "gpt-4o-mini", "--format", "json")
    assert (shown.code, shown.err) == (0, "")
    assert objects(shown.out)
    assert not home.path.exists()


def test_a_model_without_a_price_is_an_error_with_a_hint(sample: Home) -> None:
    shown = run("prices", "list", "no-such-model")
    assert (shown.code, shown.out) == (1, "")
    assert "no price for 'no-such-model'" in shown.err
    assert "pattern" in shown.err


def test_the_arithmetic_of_a_call_adds_up(sample: Home) -> None:
    name = call_id("response_model = 'gpt-4o-mini' AND tags['team'] = 'search'")
    rows = objects(run("prices", "explain", name, "--format", "json").out)
    assert {row["usage_class"]: row["effective_cost"] for row in rows} == {
        "input": "0.00009",
        "cache_read": "0.00003",
        "output": "0.00009",
        "reasoning": "0.00003",
    }
    assert all(
        Decimal(row["billed_quantity"]) * Decimal(row["unit_price"]) == Decimal(row["list_cost"]) for row in rows
    )
    shown = run("prices", "explain", name).out
    assert "0.00024 USD" in shown
    assert "gpt-4o-mini, standard" in shown
    assert "genai-prices" in shown


def test_a_call_is_found_by_its_id_with_or_without_dashes(sample: Home) -> None:
    name = call_id("response_model = 'gpt-4o-mini'")
    assert run("prices", "explain", name).out == run("prices", "explain", name.replace("-", "")).out


def test_a_call_without_a_price_says_why(sample: Home) -> None:
    shown = run("prices", "explain", call_id("price_status = 'unpriced'"))
    assert shown.code == 0
    assert "cost    unknown" in shown.out
    assert "no model 'a-model-of-our-own'" in shown.err


@pytest.mark.parametrize("name", ["nonsense", "0" * 32])
def test_a_call_that_does_not_exist_is_an_error_with_a_hint(sample: Home, name: str) -> None:
    shown = run("prices", "explain", name)
    assert (shown.code, shown.out) == (1, "")
    assert "SELECT call_id FROM calls" in shown.err


def test_prices_and_charges_fit_a_terminal(sample: Home) -> None:
    name = call_id("response_model = 'gpt-4o-mini'")
    for words in (["prices", "list", "gpt-4o-mini"], ["prices", "explain", name]):
        shown = run_terminal(*words)
        assert shown.code == 0
        assert max(map(len, bare(shown.out).splitlines())) <= 80
