"""AI21's SDK, for AI21 itself and its models at Amazon, Google and Azure."""

from __future__ import annotations

from meter.providers.ai21 import DIALECTS
from meter.providers.model import Provider

PROVIDER = Provider(
    name="ai21",
    package="ai21",
    family="ai21",
    modules=("ai21.http_client.http_client", "ai21.http_client.async_http_client"),
    dialects=DIALECTS,
    tested=("3.0.0", "4.3.0"),
    address="_base_url",
    keys=("_api_key",),
)
