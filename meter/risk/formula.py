"""The formula that the project started from, kept exact and labelled with its limits."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, localcontext
from typing import SupportsFloat

from meter.errors import MeterError

PRICE_PER_1K_TOKENS = Decimal("0.015")
"""The formula's one blended price, in dollars. Prices of real models stand in the price book."""

_DIGITS = 200  # of the arithmetic: no token count or margin that anyone writes is rounded

Number = SupportsFloat | Decimal | str


@dataclass(frozen=True)
class InferenceRisk:
    """The formula's three figures, exact. `volatility_index` is the article's name for the break-even multiplier."""

    current_estimate: Decimal
    risk_adjusted_estimate: Decimal
    volatility_index: Decimal


def calculate_inference_risk(tokens_input: Number, tokens_output: Number, provider_margin: Number) -> dict[str, float]:
    """Return what the tokens cost now, what they would cost at the provider's break-even, and the multiplier between.

    >>> calculate_inference_risk(100000, 50000, -0.77)
    {'current_estimate': 2.25, 'risk_adjusted_estimate': 3.9825, 'volatility_index': 1.77}

    `current = (input + output) / 1000 × 0.015`, `multiplier = 1 + |margin|`, `risk_adjusted = current × multiplier`.
    All is computed in Decimal from `str(argument)`; each figure is then the double nearest to the exact one, so that it
    equals the literal and prints as such up to 15 significant digits. `inference_risk` gives the exact Decimals.

    Valid for a margin (EBITDA / revenue) of 0 or below: with cost C = (1 − m) × R the break-even price is 1 − m = 1 + |m|
    times today's. Even then it holds only if all cost (training, research, sales, free use) is recovered from these prices,
    pass-through is full, volume stays, and repricing is certain and immediate: it is the scenario "full break-even
    pass-through", not a forecast. Its faults:

    - a margin above 0 makes the risk grow (+0.6 gives 1.60, while break-even is 0.40): this warns, and
      `breakeven_multiplier` gives the two-sided answer;
    - "volatility index" is a multiplier of the level: there is no dispersion and no unit of time in it;
    - there is no probability and no horizon;
    - an EBITDA margin mixes training with serving, and the margin of serving may be positive;
    - falling prices, changed tokenizers, contracts and moving elsewhere are left out;
    - one price stands for all models and for input and output alike.

    Raises MeterError for a count below 0, a margin of 1 or above, and what is not a number.
    """
    risk = inference_risk(tokens_input, tokens_output, provider_margin)
    return {
        "current_estimate": float(risk.current_estimate),
        "risk_adjusted_estimate": float(risk.risk_adjusted_estimate),
        "volatility_index": float(risk.volatility_index),
    }


def inference_risk(tokens_input: Number, tokens_output: Number, provider_margin: Number) -> InferenceRisk:
    """Return the same figures as exact Decimals. See `calculate_inference_risk`."""
    margin = checked_margin(provider_margin)
    tokens = _count("tokens_input", tokens_input), _count("tokens_output", tokens_output)
    if margin > 0:
        warnings.warn(
            f"provider_margin {margin} is above 0, where 1 + |margin| overstates the risk: "
            "use meter.risk.breakeven_multiplier, which gives 1 for a provider that earns money",
            UserWarning,
            stacklevel=3,
        )
    with localcontext() as context:
        context.prec = _DIGITS
        current = sum(tokens) * PRICE_PER_1K_TOKENS / 1000
        multiplier = 1 + abs(margin)
        return InferenceRisk(current, current * multiplier, multiplier)


def checked_margin(value: object) -> Decimal:
    """Return a margin as Decimal. Raises MeterError for one that cannot be: 1 or above, or no number."""
    margin = _decimal("margin", value)
    if margin >= 1:
        raise MeterError(
            f"a margin of {margin} would mean that the provider has no cost",
            hint="give profit / revenue as a fraction below 1: −77 % is -0.77",
        )
    return margin


def _count(name: str, value: object) -> Decimal:
    count = _decimal(name, value)
    if count < 0:
        raise MeterError(f"{name} is {count}", hint="a count of tokens is 0 or more")
    return count


def _decimal(name: str, value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise MeterError(f"{name} is {value!r}, which is not a number", hint="give a number, such as -0.77")
    return number
