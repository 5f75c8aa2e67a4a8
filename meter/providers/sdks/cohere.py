"""Cohere's SDK."""

from __future__ import annotations

from meter.providers.cohere import DIALECTS
from meter.providers.model import Provider

PROVIDER = Provider(
    name="cohere",
    package="cohere",
    family="fern",
    modules=("cohere.core.http_client",),
    dialects=DIALECTS,
    tested=("5.21.1", "7.3.1"),
    address="",
    keys=(),
)
