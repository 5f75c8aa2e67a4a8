"""Perplexity's SDK."""

from __future__ import annotations

from meter.providers.model import Provider
from meter.providers.perplexity import DIALECTS

PROVIDER = Provider(
    name="perplexity",
    package="perplexity",
    family="stainless",
    modules=("perplexity._base_client",),
    dialects=DIALECTS,
    tested=("0.22.0", "0.46.1"),
    distribution="perplexityai",
)
