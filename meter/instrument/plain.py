"""Calls to known providers that no SDK makes: counted where they produce no record, or read from the wire if that was asked for.

Most traffic of a service goes elsewhere. For it a hook costs one look into a dictionary.
"""

from __future__ import annotations

import atexit
import functools
import time
from collections.abc import Callable
from typing import Any

from meter import guard, recorder, settings
from meter.instrument.facts import Facts
from meter.instrument.live import LiveCall, link
from meter.names import UNMETERED
from meter.providers import hosts, wires
from meter.providers.model import Dialect
from meter.providers.progress import text

MAX_SERVERS = 64
PUBLISH_S = 1.0

elsewhere: dict[Any, bool] = {}
"""Hosts, as the library keeps them, to which no call can go."""

MAX_ELSEWHERE = 4096

_published = 0.0


def forget() -> None:
    """Look at every host anew: `[servers]` may have changed."""
    elsewhere.clear()
    _spotted.cache_clear()


@functools.lru_cache(1024)
def _spotted(method: str, host: str, port: int | None, path: str) -> tuple[Facts, Dialect] | None:
    known = hosts.known(host, port)
    if known is None:
        return None
    provider, region = known
    dialect = wires.find(provider, method, path)
    if dialect is None:
        return None
    return Facts(
        provider, f"{host}:{port}" if port else host, provider, (("region", region),) if region else ()
    ), dialect


def noticed(method: str, host: str, port: int | None, path: str, key: Any, body: Callable[[], Any]) -> LiveCall | None:
    """Count a call that no SDK has begun; or begin it, if that was asked for. `key` is the host in the library's words.

    All calls to an address share its facts: whoever changes some takes a copy.
    """
    if not hosts.may_be_known(host):
        if len(elsewhere) < MAX_ELSEWHERE:
            elsewhere[key] = True
        return None
    if link.get() is not None or (found := _spotted(method, host, port, path)) is None:
        return None
    facts, dialect = found
    if not settings.get().wire:
        count(facts)
        return None
    return _begin(facts, dialect, path, body())


def _begin(facts: Facts, dialect: Dialect, path: str, body: Any) -> LiveCall:
    call = LiveCall(dialect, recorder.start(), facts, body)
    asked = body.get(dialect.model) if isinstance(body, dict) else None
    call.record.request_model = text(wires.model_in(dialect, path) or asked)
    return call


def count(facts: Facts) -> None:
    """Count an unmetered call. It goes out with the state of the spool, which has room for so many names."""
    global _published
    if not _published:
        atexit.register(recorder.publish)
    name = f"{UNMETERED}{facts.provider} {facts.server}"
    if name not in guard.failures and sum(step.startswith(UNMETERED) for step in guard.failures) >= MAX_SERVERS:
        name = f"{UNMETERED}{facts.provider} other"
    guard.failures[name] += 1
    now = time.monotonic()
    if now - _published >= PUBLISH_S:
        _published = now
        recorder.publish()
