"""Groq's SDK."""

from __future__ import annotations

from meter.providers import beside
from meter.providers.groq import DIALECTS
from meter.providers.model import Provider

PROVIDER = Provider(
    name="groq",
    package="groq",
    family="stainless",
    modules=("groq._base_client",),
    dialects=DIALECTS,
    beside=beside.OPENAI,
    tested=("0.37.1", "1.7.0"),
)
