"""What a provider's file says, as types: where calls pass, which requests are calls, and where an answer keeps its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


class Answer(msgspec.Struct):
    """The fields of an answer that matter, as they come over the wire; everything else in the body is skipped unread.

    A wire with other names is a subclass with `rename` that declares those fields anew (msgspec renames only what a class itself
    declares); one whose counts lie apart from each other is a subclass with its own `stated`.
    """

    id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    usage: Any = None
    tool_usage: Any = None
    error: Any = None

    def stated(self) -> Any:
        """Return the usage object."""
        return self.usage


@dataclass(frozen=True, eq=False)
class Count:
    """A number of the usage object, and the class of what is left of it when the parts inside it are taken off.

    `parts` maps a class to the paths where its number may lie: the first that is there counts.
    """

    path: str
    rest: str
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Events:
    """How the events of a stream tell what an answer tells at once.

    `event` is an event's shape on the wire, for callers who read bytes. `answers` maps an event's type to the place of the
    answer in it ("" is the event itself), `texts` to the places of generated text, for counting its characters. A wire
    whose events have no type has the key "" alone; its texts may lie in a list, `items`.
    """

    event: type[msgspec.Struct]
    answers: Mapping[str, str]
    texts: Mapping[str, tuple[str, ...]]
    items: str = ""
    kind: str = "type"
    """Field of an event that says what it is."""
    final: frozenset[str] = frozenset()
    """Event types that state the last word on usage. Without one, a stream was cut."""
    stops: frozenset[str] = frozenset()
    """Event types after which nothing follows: some callers read no further, and drop the stream much later."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """Event type → place of an error's code: the SDK hands these on as events and raises nothing."""
    beside: str = ""
    """Field of an untyped event that holds the usage where the event itself has none."""


@dataclass(frozen=True, eq=False)
class Dialect:
    """One wire: which requests speak it, what they do, and how their usage is read."""

    api: str
    operation: str
    paths: tuple[str, ...]
    """Endings of the path of a POST."""
    model: str = "model"
    """Field of the request that names the model; or, with a group of that name, a pattern that finds it in the path."""
    counts: tuple[Count, ...] = ()
    total: str = ""
    """The provider's grand total: it fills in a side that is not stated, and shows which parts lie beside their count."""
    fees: Mapping[str, str] = field(default_factory=dict)
    """Class → path in the answer, for what is counted outside the usage object."""
    executed: Callable[[Any], dict[str, int]] | None = None
    """Counts in an answer what the provider ran for it (searches, code), where no number says so: executed, not declared."""
    prepare: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Rewrites a usage object that is no plain table, such as one with a list by modality, into one that `counts` can read."""
    asked: Callable[[Mapping[str, Any]], dict[str, int]] | None = None
    """Counts that the request itself tells exactly, for what is billed by them: the characters of a text to be spoken."""
    is_free: bool = False
    """There is no charge, and so no usage; what is in `never` is known to be 0."""
    opaque: bool = False
    """The answer is no JSON, but sound: there is nothing to read in it."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Field of the call, or `context.<key>`, → path in the usage object."""
    cost: Mapping[str, int] = field(default_factory=dict)
    """Path in the usage object where the provider may state what the call cost → power of ten that makes it US dollars."""
    answer: type[Answer] = Answer
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header of the answer → field of a usage object, for an answer whose body states none or is not ours to read."""
    events: Events | None = None
    asks_for_usage: bool = False
    """Streams state usage only where `stream_options.include_usage` asks for it."""
    usage_at_end: bool = False
    """Answers can be megabytes long, with the usage behind them: read the end first."""
    deferred: str = ""
    """Field of a request that has the answer made later: the reply to it states no usage, and never will."""
    never: tuple[str, ...] = ()
    """Classes of which this operation has none, whether or not the answer says so: 0 is known."""
    placeholder: tuple[str, ...] = ()
    """Classes that mean nothing before the final event."""
    iterations: str = ""
    """Path of a list of passes inside the usage object; some have a model of their own, some are in no total."""

    @property
    def is_asked(self) -> bool:
        """Whether an answer without usage leaves nothing unknown."""
        return self.asked is not None or self.is_free


@dataclass(frozen=True)
class Beside:
    """A kind of request that is no call, and tells of some: it makes a batch, or fetches results."""

    method: str
    path: str
    """Pattern of the path's end; its group names the batch, the file or the response."""
    kind: str
    """What is to be done with the answer: a key of `meter.instrument.beside.READERS`."""


@dataclass(frozen=True, eq=False)
class Provider:
    """One SDK: its choke point, the dialects spoken through it, and who may be behind it."""

    name: str
    """Of the SDK's own provider, in Meter's words."""
    package: str
    family: str
    """Which SDKs share its choke point: the module of `meter.instrument` that knows how to wrap it."""
    modules: tuple[str, ...]
    dialects: tuple[Dialect, ...]
    tested: tuple[str, str]
    """Oldest and newest version that the tests have run with."""
    distribution: str = ""
    """Its name on the package index, where that differs from the package's."""
    clients: Mapping[str, str] = field(default_factory=dict)
    """Client class → provider behind it."""
    address: str = "base_url"
    """Path of the client's attribute that holds its address."""
    flags: Mapping[str, str] = field(default_factory=dict)
    """Attribute of a client that is true where another provider is behind it → that provider."""
    keys: tuple[str, ...] = ("api_key",)
    """Attributes of a client that hold its API key."""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field of the call → attributes of the client."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header of the answer → field of the call. It wins over the client's attribute."""
    part: str = ""
    """Which part of an SDK this is, where it has several with places of their own: each must have one that is there."""
    since: str = ""
    """First version that has these modules; older ones leave all their calls to other SDKs, and nothing is missing there."""
    beside: tuple[Beside, ...] = ()
    """Requests that are no calls, and tell of some."""
    sockets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Module → classes of connections that stay open, in the versions that have them."""
