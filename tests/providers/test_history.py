"""Calls read again later: every wire that writes a record is found by the name that the record has."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import meter.providers
from meter.providers import history, wires
from meter.providers.model import Dialect


def dialects() -> Iterator[Dialect]:
    for found in pkgutil.iter_modules(meter.providers.__path__, "meter.providers."):
        for thing in vars(import_module(found.name)).values():
            yield from _in(thing)


def _in(thing: Any) -> Iterator[Dialect]:
    if isinstance(thing, Dialect):
        yield thing
    for one in thing if isinstance(thing, tuple) else ():
        yield from _in(one)


def test_every_wire_is_found_by_its_api() -> None:
    providers = (None, *wires.WIRES)
    known = {found.api for provider in providers for one in dialects() if (found := history.wire(provider, one.api))}
    assert {one.api for one in dialects()} - known == set()


def test_a_provider_has_its_own_words_first() -> None:
    for provider, spoken in wires.WIRES.items():
        for api in {one.api for one in spoken}:
            assert history.wire(provider, api) is next(one for one in spoken if one.api == api)


def test_what_nobody_knows_is_none() -> None:
    assert history.wire("openai", "acme.chat") is None
    assert history.wire(None, None) is None
