"""Ollama's own wire's SDK."""

from __future__ import annotations

from meter.providers.model import Provider
from meter.providers.ollama import DIALECTS

PROVIDER = Provider(
    name="ollama",
    package="ollama",
    family="ollama",
    modules=("ollama._client",),
    dialects=DIALECTS,
    tested=("0.4.9", "0.6.3"),
    address="_client.base_url",
    keys=(),
)
