"""httpx2: no SDK, but what services call providers with that use none."""

from __future__ import annotations

from meter.providers.model import Provider

PROVIDER = Provider(
    name="httpx2",
    package="httpx2",
    family="plain_httpx",
    modules=("httpx2",),
    dialects=(),
    tested=("2.16.2", "2.16.2"),
    address="",
    keys=(),
)
