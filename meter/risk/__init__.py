"""From what providers earn to what their customers may pay: the seed formula, and claims about providers' margins."""

from meter.risk.formula import InferenceRisk, calculate_inference_risk, inference_risk
from meter.risk.margins import Claim, breakeven_multiplier, claims, multipliers

__all__ = [
    "Claim",
    "InferenceRisk",
    "breakeven_multiplier",
    "calculate_inference_risk",
    "claims",
    "inference_risk",
    "multipliers",
]
