"""aiohttp: no SDK, but what services call providers with that use none."""

from __future__ import annotations

from meter.providers.model import Provider

PROVIDER = Provider(
    name="aiohttp",
    package="aiohttp",
    family="plain_aiohttp",
    modules=("aiohttp.client",),
    dialects=(),
    tested=("3.14.5", "3.14.5"),
    address="",
    keys=(),
)
