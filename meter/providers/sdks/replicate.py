"""Replicate's SDK."""

from __future__ import annotations

from meter.providers.model import Provider
from meter.providers.replicate import PREDICTIONS

PROVIDER = Provider(
    name="replicate",
    package="replicate",
    family="replicate",
    modules=("replicate.client",),
    dialects=(PREDICTIONS,),
    tested=("1.0.4", "1.0.7"),
    address="_base_url",
    keys=("_api_token",),
)
