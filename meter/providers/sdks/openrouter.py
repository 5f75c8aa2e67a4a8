"""OpenRouter's SDK."""

from __future__ import annotations

from meter.providers.model import Provider
from meter.providers.openrouter import DIALECTS

PROVIDER = Provider(
    name="openrouter",
    package="openrouter",
    family="speakeasy",
    modules=("openrouter.basesdk",),
    dialects=DIALECTS,
    tested=("0.11.0", "1.3.84"),
    address="sdk_configuration.server_url",
)
