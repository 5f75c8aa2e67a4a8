"""One half of an SDK, synchronous or asynchronous: what its requests and classes were found to be, once for all calls."""

from __future__ import annotations

import functools
from typing import Any

from meter.providers import wires
from meter.providers.model import Dialect, Provider

MAX_URLS = MAX_CLASSES = 256


class Side:
    """The synchronous or the asynchronous half of one SDK, as it is patched in this process."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.endings = {path: dialect for dialect in provider.dialects for path in dialect.paths}
        self.known: dict[tuple[str, str], Dialect | None] = {}
        """What requests were found to be, by method and path; not by whole addresses, of which there is no end."""
        self.sees_answers = self.sees_events = False

    def dialect(self, method: str, url: str) -> Dialect | None:
        """Return the dialect of a request that is a call, or None."""
        found = None
        if method.lower() == "post":
            path = "/" + url.partition("?")[0].strip("/")
            if endings := [ending for ending in self.endings if path.endswith(ending)]:
                found = self.endings[max(endings, key=len)]
        if len(self.known) < MAX_URLS and "://" not in url:
            self.known[method, url] = found
        return found

    def find(self, method: str, url: str) -> Dialect | None:
        """Return the dialect of a request that is a call, or None; looked up once for each path."""
        found = self.known.get((method, url), self)
        return self.dialect(method, url) if found is self else found  # type: ignore[return-value]

    def spoken(self, dialect: Dialect, provider: str, path: str) -> Dialect:
        """Return the wire of the provider that is behind the address, where it speaks one of its own on that path."""
        if provider == self.provider.name:
            return dialect
        return wires.find(provider, "POST", path) or dialect

    def owns(self, kind: Any, name: str) -> bool:
        """Say whether a class has an attribute from the SDK, and none of the caller's in its place."""
        return kind is None or f"{maker(kind, name)}.".startswith(f"{self.provider.package}.")


@functools.lru_cache(MAX_CLASSES)
def maker(kind: Any, name: str) -> str:
    """Return the module of the class that an attribute comes from."""
    return next((base.__module__ for base in kind.__mro__ if name in base.__dict__), "")
