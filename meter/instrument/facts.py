"""Who is called, and on whose account: read from the client once, and again when what it was read from has changed."""

from __future__ import annotations

import functools
import hashlib
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any
from urllib.parse import urlsplit

from meter import event
from meter.providers import hosts
from meter.providers.interpreting import MAX_TEXT
from meter.providers.model import Provider

Pairs = Sequence[tuple[Any, bytes, bytes]]

KEY_HEADERS = {b"x-api-key": b"", b"api-key": b"", b"x-goog-api-key": b"", b"authorization": b"bearer"}
"""Headers of a request that may hold its key, and what stands before it; the first that is there counts."""

KEY_TEXTS = {name.decode(): scheme.decode() for name, scheme in KEY_HEADERS.items()}

PLACEHOLDERS = frozenset({"<missing API key>", "workload-identity-auth"})
"""What openai puts where the key would stand when the caller gave none."""

DEPLOYING = frozenset({"azure.ai.openai"})

MODULE_CLIENT = "_ModuleClient"
"""The client behind `openai.chat`: its attributes are variables of the module, its address one of them."""


@dataclass
class Facts:
    """What every call of one client has in common."""

    provider: str
    server: str | None
    sdk: str = ""
    """The SDK's own provider: it speaks for addresses without a name of their own."""
    rest: tuple[tuple[str, str], ...] = ()
    """Other fields of the call that are known: account, project, region, deployment."""
    deploys: bool = False
    """The model that a request names is the name of a deployment."""
    api_version: str | None = None
    headers: dict[bytes, str] = field(default_factory=dict)
    """Header of the answer → field of the call."""
    sent: tuple[int, int, int, str | None] = (-1, 0, 0, None)
    """The key that was sent last, never itself: among how many headers, at which place, its hash, its fingerprint."""
    configured_key: Callable[[], str | None] = lambda: None

    @property
    def key(self) -> str | None:
        """The fingerprint of the key that the client has now: for a call of which no request was seen."""
        key = self.configured_key()
        return None if key is None or key in PLACEHOLDERS else fingerprint(key.encode("utf-8", "replace"))


@dataclass
class _Known:
    """A client's facts, and what they were read from; it does not keep the client alive."""

    client: weakref.ref[Any]
    look: Callable[[Any], tuple[Any, ...]]
    seen: tuple[Any, ...]
    facts: Facts


_known: dict[int, _Known] = {}


def of(client: Any, provider: Provider) -> Facts:
    """Return the facts of a client's calls."""
    found = _known.get(id(client))
    try:
        if found is not None and found.client() is client and found.look(client) == found.seen:
            return found.facts
    except (AttributeError, TypeError, ValueError, RuntimeError):
        pass  # an attribute is gone, or its property asks for more than is there
    number, look = id(client), _looker(client, provider)
    seen = look(client)
    facts = read(client, provider)
    _known[number] = _Known(weakref.ref(client, lambda _: _known.pop(number, None)), look, seen, facts)
    return facts


def _looker(client: Any, provider: Provider) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes those of a client's attributes that its facts are read from, in one step."""
    volatile = any(kind.__name__ == MODULE_CLIENT for kind in type(client).__mro__)
    names = [
        "_base_url" if provider.address == "base_url" and not volatile else provider.address,
        *(name for names in provider.attributes.values() for name in names),
        *provider.flags,
    ]
    there = [name for name in (*names, "_api_version") if _attribute(client, name) is not ABSENT]
    return attrgetter("__class__", "__class__", *there)  # of two names or more it makes a tuple


def read(client: Any, provider: Provider) -> Facts:
    """Read the facts from a client's class, attributes and address."""
    address = urlsplit(str(_at(client, provider.address) or ""))
    host, port = address.hostname or "", address.port
    name, region = hosts.find(host, port, provider.name) if host else (provider.name, None)
    for kind in type(client).__mro__:
        if (known := provider.clients.get(kind.__name__)) is not None:
            name = known
            break
    name = next((behind for flag, behind in provider.flags.items() if _attribute(client, flag) is True), name)
    found = {"region": region} if region else {}
    for place, attributes in provider.attributes.items():
        if (value := _first_text(client, attributes)) is not None:
            found[place] = value
    return Facts(
        name,
        f"{host}:{port}" if port else host or None,
        provider.name,
        tuple(found.items()),
        deploys=name in DEPLOYING,
        api_version=_first_text(client, ("_api_version",)),
        headers={name.encode(): place for name, place in provider.headers.items()},
        configured_key=functools.partial(_key_of, weakref.ref(client), provider.keys),
    )


def elsewhere(facts: Facts, url: str) -> Facts:
    """Return the facts of a request that names another address than its client's."""
    address = urlsplit(url)
    return at(facts, address.hostname or "", address.port)


def at(facts: Facts, host: str, port: int | None, sdk: str | None = None) -> Facts:
    """Return the facts of a request to an address; `sdk` is the provider that an address without a name of its own stands for."""
    name, region = hosts.find(host, port, sdk or facts.sdk)
    rest = tuple(pair for pair in facts.rest if pair[0] != "region") + ((("region", region),) if region else ())
    return replace(facts, provider=name, server=f"{host}:{port}" if port else host, rest=rest)


def fingerprint(key: bytes) -> str:
    """Return the first 12 hex digits of an API key's SHA-256: enough to tell keys apart, too little to find one."""
    return hashlib.sha256(key).hexdigest()[:12]


def take_headers(call: event.Call, response: Any, facts: Facts) -> None:
    """Set what the headers of a request and of its answer say."""
    fields = facts.headers
    for _, name, value in _pairs(response.headers):
        if name in fields:
            setattr(call, fields[name], value.decode("latin-1")[:MAX_TEXT] or None)
    pairs = _pairs(response.request.headers)
    count, at, digest, call.key = facts.sent
    if count != len(pairs) or hash(pairs[at][2]) != digest:
        call.key = _find_key(pairs, facts)


def _pairs(headers: Any) -> Pairs:
    """Return each header as written, in small letters, and its value."""
    pairs: Pairs | None = getattr(headers, "_list", None)
    return pairs if pairs is not None else [(name, name.lower(), value) for name, value in headers.raw]


def _find_key(pairs: Pairs, facts: Facts) -> str | None:
    """Return the fingerprint of the key that was sent. A signature is no key: it differs from request to request."""
    places = {name: at for at, (_, name, _) in enumerate(pairs)}
    for name, scheme in KEY_HEADERS.items():
        if (at := places.get(name)) is not None:
            value = pairs[at][2]
            head, _, key = value.rpartition(b" ")
            if key and head.lower() == scheme:
                found = fingerprint(key)
                facts.sent = (len(pairs), at, hash(value), found)
                return found
    return None


def key_in(headers: Iterable[tuple[str, Any]]) -> str | None:
    """Return the key in the headers of a request, where they are text."""
    sent = {name.lower(): value for name, value in headers}
    for name, scheme in KEY_TEXTS.items():
        if (value := sent.get(name)) is not None:
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            head, _, key = text.rpartition(" ")
            if key and head.lower() == scheme:
                return key
    return None


def _key_of(client: weakref.ref[Any], attributes: Iterable[str]) -> str | None:
    return _first_text(client(), attributes)


ABSENT: Any = object()


def _at(client: Any, path: str) -> Any:
    """Return what lies at a path of attributes, None where it ends too early."""
    for name in path.split("."):
        client = _attribute(client, name)
    return None if client is ABSENT else client


def _attribute(client: Any, name: str) -> Any:
    try:
        return attrgetter(name)(client)
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return ABSENT  # a property that asks for more than is there


def _first_text(client: Any, attributes: Iterable[str]) -> str | None:
    values = (_attribute(client, name) for name in attributes)
    return next((value for value in values if isinstance(value, str) and value), None)
