"""Who is called, and on whose account: read from the client once, and again when its key or address changes."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from meter import event
from meter.providers import hosts
from meter.providers.model import Provider

MAX_TEXT = 256


@dataclass
class Header:
    """A header of the answers, and what it said last."""

    name: bytes
    field: str
    at: int = 0
    value: bytes = b""
    text: str | None = None
    absent_of: int = -1
    """It was not among so many headers: nor will it be the next time."""


@dataclass
class Facts:
    """What every call of one client has in common."""

    provider: str
    server: str | None
    key: str | None = None
    rest: tuple[tuple[str, str], ...] = ()
    """Other fields of the call that are known: account, project, region, deployment."""
    deploys: bool = False
    """The model that a request names is the name of a deployment."""
    api_version: str | None = None
    headers: tuple[Header, ...] = ()


@dataclass
class _Known:
    """A client's facts, and what they were read from; it does not keep the client alive."""

    client: weakref.ref[Any]
    key: object
    address: object
    facts: Facts


_known: dict[int, _Known] = {}
DEPLOYING = frozenset({"azure.ai.openai"})


def of(client: Any, provider: Provider) -> Facts:
    """Return the facts of a client's calls."""
    found = _known.get(id(client))
    values = client.__dict__
    key, address = values.get(provider.keys[0]), values.get("_base_url")
    if found is not None and found.client() is client and found.key is key and found.address is address:
        return found.facts
    facts = read(client, provider)
    number = id(client)
    _known[number] = _Known(weakref.ref(client, lambda _: _known.pop(number, None)), key, address, facts)
    return facts


def read(client: Any, provider: Provider) -> Facts:
    """Read the facts from a client's class, attributes and address."""
    address = urlsplit(str(getattr(client, "base_url", "")))
    host, port = address.hostname or "", address.port
    name, region = hosts.find(host, port, provider.name) if host else (provider.name, None)
    for kind in type(client).__mro__:
        if (known := provider.clients.get(kind.__name__)) is not None:
            name = known
            break
    found = {"region": region} if region else {}
    for field, attributes in provider.attributes.items():
        if (value := _first_text(client, attributes)) is not None:
            found[field] = value
    return Facts(
        name,
        f"{host}:{port}" if port else host or None,
        fingerprint(_first_text(client, provider.keys)),
        tuple(found.items()),
        deploys=name in DEPLOYING,
        api_version=_first_text(client, ("_api_version",)),
        headers=tuple(Header(name.encode(), field) for name, field in provider.headers.items()),
    )


def elsewhere(facts: Facts, url: str, provider: Provider) -> Facts:
    """Return the facts of a request that names another address than its client's."""
    address = urlsplit(url)
    host, port = address.hostname or "", address.port
    name, region = hosts.find(host, port, provider.name)
    rest = tuple(pair for pair in facts.rest if pair[0] != "region") + ((("region", region),) if region else ())
    return replace(facts, provider=name, server=f"{host}:{port}" if port else host, rest=rest)


def fingerprint(key: str | None) -> str | None:
    """Return the first 12 hex digits of an API key's SHA-256: enough to tell keys apart, too little to find one."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:12] if key else None


def take_headers(call: event.Call, headers: Any, facts: Facts) -> None:
    """Set what the answer's headers say. A server sends them in one order, so each is first looked for where it was last."""
    pairs = getattr(headers, "_list", None)
    if pairs is None:
        pairs = [(None, name.lower(), value) for name, value in headers.raw]
    count = len(pairs)
    for header in facts.headers:
        at = header.at
        if header.absent_of == count:
            continue
        if at >= count or pairs[at][1] != header.name:
            at = header.at = next((i for i, pair in enumerate(pairs) if pair[1] == header.name), count)
            if at == count:
                header.absent_of = count
                continue
        value = pairs[at][2]
        if value != header.value:
            header.value, header.text = value, value.decode("latin-1")[:MAX_TEXT] or None
        setattr(call, header.field, header.text)


def _first_text(client: Any, attributes: Iterable[str]) -> str | None:
    for name in attributes:
        try:
            value = getattr(client, name, None)
        except (AttributeError, TypeError, ValueError, RuntimeError):
            continue  # a property that asks for more than is there
        if isinstance(value, str) and value:
            return value
    return None
