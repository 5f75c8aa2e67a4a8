"""HTTP libraries that services call providers with when they use no SDK: where their requests pass."""

from __future__ import annotations

from meter.providers.model import Provider


def _transport(package: str, family: str, modules: tuple[str, ...], tested: tuple[str, str]) -> Provider:
    return Provider(
        name=package, package=package, family=family, modules=modules, dialects=(), tested=tested, address="", keys=()
    )


TRANSPORTS = (
    _transport("httpx", "plain_httpx", ("httpx",), ("0.28.1", "0.28.1")),
    _transport("httpx2", "plain_httpx", ("httpx2",), ("2.16.2", "2.16.2")),
    _transport("requests", "plain_requests", ("requests.sessions",), ("2.34.2", "2.34.2")),
    _transport("aiohttp", "plain_aiohttp", ("aiohttp.client",), ("3.14.5", "3.14.5")),
)
