"""httpx: no SDK, but what services call providers with that use none."""

from __future__ import annotations

from meter.providers.model import Provider

PROVIDER = Provider(
    name="httpx",
    package="httpx",
    family="plain_httpx",
    modules=("httpx",),
    dialects=(),
    tested=("0.27.2", "0.28.1"),
    address="",
    keys=(),
)
