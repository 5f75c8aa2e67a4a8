"""requests: no SDK, but what services call providers with that use none."""

from __future__ import annotations

from meter.providers.model import Provider

PROVIDER = Provider(
    name="requests",
    package="requests",
    family="plain_requests",
    modules=("requests.sessions",),
    dialects=(),
    tested=("2.34.2", "2.34.2"),
    address="",
    keys=(),
)
