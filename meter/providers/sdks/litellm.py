"""LiteLLM's SDK."""

from __future__ import annotations

from meter.providers.model import Provider

PROVIDER = Provider(
    name="litellm",
    package="litellm",
    family="litellm",
    modules=("litellm.llms.custom_httpx.http_handler",),
    dialects=(),
    tested=("1.100.0", "1.106.2"),
    address="",
    keys=(),
)
