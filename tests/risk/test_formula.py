"""The seed formula is exact, and says where it does not hold."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import meter
from meter.errors import MeterError
from meter.risk import InferenceRisk, breakeven_multiplier, calculate_inference_risk, inference_risk

ARTICLE = {"current_estimate": 2.25, "risk_adjusted_estimate": 3.9825, "volatility_index": 1.77}


def test_the_articles_figure_is_exact() -> None:
    assert calculate_inference_risk(100000, 50000, -0.77) == ARTICLE
    assert (
        meter.risk.calculate_inference_risk(tokens_input=100000, tokens_output=50000, provider_margin=-0.77) == ARTICLE
    )
    assert inference_risk(100000, 50000, "-0.77") == InferenceRisk(Decimal("2.25"), Decimal("3.9825"), Decimal("1.77"))


def test_the_articles_figure_prints_and_serialises_as_it_is_written() -> None:
    expected = '{"current_estimate": 2.25, "risk_adjusted_estimate": 3.9825, "volatility_index": 1.77}'
    assert json.dumps(calculate_inference_risk(100000, 50000, -0.77)) == expected


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.decimals(-20, 0, places=6))
def test_the_multiplier_is_the_break_even_for_every_margin_up_to_zero(
    tokens_in: int, tokens_out: int, margin: Decimal
) -> None:
    risk = inference_risk(tokens_in, tokens_out, margin)
    assert risk.current_estimate == Decimal(tokens_in + tokens_out) * 15 / 10**6
    assert risk.volatility_index == breakeven_multiplier(margin) == 1 - margin
    assert (
        float(risk.risk_adjusted_estimate)
        == calculate_inference_risk(tokens_in, tokens_out, margin)["risk_adjusted_estimate"]
    )


@given(st.decimals(-20, "0.999999", places=6), st.decimals(0, 5, places=6))
def test_a_larger_loss_never_lowers_the_multiplier(margin: Decimal, more: Decimal) -> None:
    assert breakeven_multiplier(margin - more) >= breakeven_multiplier(margin) >= 1


def test_a_positive_margin_warns_and_points_to_the_better_figure() -> None:
    with pytest.warns(UserWarning, match="breakeven_multiplier"):
        found = calculate_inference_risk(100000, 50000, 0.4)
    assert found["volatility_index"] == 1.4
    assert breakeven_multiplier(0.4) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0, -0.5), "tokens_input is -1"),
        ((0, "many", -0.5), "tokens_output is 'many'"),
        ((0, 0, 1), "a margin of 1 would mean"),
        ((0, 0, float("nan")), "margin is nan"),
        ((0, 0, float("-inf")), "margin is -inf"),
    ],
)
def test_what_cannot_be_is_an_error_with_the_next_step(arguments: tuple[float, float, float], message: str) -> None:
    with pytest.raises(MeterError, match=message) as caught:
        calculate_inference_risk(*arguments)
    assert caught.value.hint
