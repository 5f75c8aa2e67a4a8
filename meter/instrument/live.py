"""The life of one call: begun by the wrap of `request`, fed by answers and events, ended once, however it ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from time import perf_counter_ns
from typing import Any

from meter import event, guard, recorder
from meter.instrument.facts import Facts
from meter.providers.interpreting import COST_CURRENCY, passes, told
from meter.providers.model import Dialect
from meter.providers.progress import Progress, reader_of, text
from meter.providers.reading import Json, as_object, dig, look, strings

KEY = "meter"
"""Where a response's and a request's `extensions` hold the call."""

UNSENT = frozenset(
    {
        *("ConnectError", "ConnectTimeout", "ConnectionRefusedError", "PoolTimeout", "UnsupportedProtocol"),
        *("ServiceRequestError", "ServiceRequestTimeoutError"),  # azure-core
        *("NewConnectionError", "NameResolutionError", "ClientConnectorError", "ClientConnectorDNSError"),
    }
)
"""Errors of the HTTP libraries that come before anything was sent."""

DEEPEST = 6
"""How far back the causes of an exception are looked at."""

TIMEOUTS = frozenset({"TimeoutError", "APITimeoutError", "TimeoutException"})
"""Errors of one's own clock; some carry a status that no server sent."""

BATCH = "batch"


_forks = 0
"""How many forks lie between the process that imported this and the one that runs."""


def _forked() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class LiveCall(Progress):
    """A call in progress. It never refers to a response: that would be a cycle."""

    passes = 0
    """Answers with status 2xx: a middleware may ask more than once."""
    attempts: int | None = None
    refused = 0
    """Requests refused for what we added to them."""
    refusal = False
    """What came back was an error, which the SDK has yet to raise: it was not billed."""
    timed = True
    """It runs now. One that is read about later took a time that nobody measured."""
    stream = False
    attached = False
    """Its end is that of a response, not of `request`."""
    own_collector: Callable[[Any, str], Any] | None = None
    """What reads its bytes, where that is not what their type says."""
    loose = False
    """It could not be tied to a response: it ends with its tap."""
    tapped = False
    """The caller reads the bytes himself."""
    inside = 0
    """Above 0 while an event is being pulled: a response closed meanwhile closes itself at its end."""
    done = False
    options: Any = None
    """The request, while it has what we added: its body is `body_asked`, and was `body_sent`."""
    body_sent: Any = None
    body_asked: Any = None

    def __init__(self, dialect: Dialect, record: event.Call, facts: Facts, body: Any) -> None:
        self.dialect = dialect
        self.reader = reader_of(dialect)
        self.record = record
        self.facts = facts
        self.body = body
        """The request's JSON, the caller's own: only looked at, and let go of at the end."""
        self.forks = _forks
        self.began_ns = perf_counter_ns()

    def answers(self) -> int:
        """Return how many answers the request asks for at once."""
        asked = look(self.body, "n")
        return asked if isinstance(asked, int) else 1

    def closed(self) -> None:
        """The response was closed or dropped between two events."""
        if not self.inside and not self.done:
            self.end("ok" if self.complete or self.ended else "aborted")

    def exhausted(self) -> None:
        """The stream was read to its end. Without its last word it was cut on the way."""
        events = self.dialect.events
        if events and events.final:
            self.end("ok" if self.complete or self.ended else "aborted")
        else:
            self.complete = (
                self.complete or self.record.raw is not None
            )  # usage that ran on with the text is at its end
            self.end("ok")

    def failed(self, error: BaseException) -> None:
        """An exception left the call. One that is no `Exception` is a cancellation, or the end of the process."""
        self.end("error" if isinstance(error, Exception) else "aborted", error)

    def end(self, status: event.Status, error: BaseException | None = None) -> None:
        """Write the record, once, and in the process that made the call: a forked child's copy says nothing.

        Both hold the same stream, but what one reads the other never sees. The caller's own process is believed: should only the
        child read on, the call is recorded as one that was left early.
        """
        if self.done:
            return
        self.done = True
        if self.forks != _forks:
            return
        try:
            record, side = self.record, self._fill(status)
            if status != "ok" or not self.complete or not record.usage or self.trouble is not None:
                self._judge(error)
            put(record)
            for model, usage in side:
                put(self._part(model, usage))
            if self.dialect.deferred and look(self.body, self.dialect.deferred):
                self._remember()
        except Exception:  # noqa: BLE001 - counted: nothing of ours may reach the caller, least of all from a finalizer
            guard.fail("call.end")
        self.body = None

    def _remember(self) -> None:
        """Leave word of an answer that is made after this call: whose it is, or that it has been told of already."""
        from meter import keepsake  # here: few calls are made in the background

        record = self.record
        if record.response_id:
            is_known = record.source == "reported"
            name = keepsake.metered(record.response_id) if is_known else record.response_id
            keepsake.keep(keepsake.Keepsake(name, record.tags))

    def _fill(self, status: event.Status) -> Sequence[tuple[Any, Json]]:
        """Put what is known into the record; return passes that are to have records of their own."""
        record, facts, dialect = self.record, self.facts, self.dialect
        record.dur = (perf_counter_ns() - self.began_ns) // 1000 if self.timed else None
        record.status, record.operation, record.api = status, dialect.operation, dialect.api
        record.provider, record.server = facts.provider, facts.server
        if not self.passes:  # no answer, so it is not known what was sent
            record.key = facts.key
        for name, value in facts.rest:
            if getattr(record, name) is None:  # an answer's header knows better
                setattr(record, name, value)
        if facts.deploys and record.deployment is None:
            record.deployment = record.request_model
        if self.attempts is not None:
            record.attempts = self.attempts + self.refused
        if self.stream:
            record.stream, record.chunks = True, self.chunks
            if self.first_ns:
                record.ttft = (self.first_ns - self.began_ns) // 1000
        usage = record.raw
        if usage is None:
            if self.passes and dialect.is_asked and (status == "ok" or dialect.opaque):
                self._take_asked()
            return ()
        record.usage, record.source = self.reader.classes(usage), "reported"
        if self.fees is not None:
            record.usage.update(self.fees)
        if dialect.fields or dialect.iterations or dialect.cost:
            return self._take_more(as_object(usage))
        return ()

    def _take_asked(self) -> None:
        """Count what the request tells exactly, of an answer that states nothing; what is free of charge has none of anything."""
        asked = self.dialect.asked
        self.record.usage = {} if asked is None else dict(asked(self.body if isinstance(self.body, dict) else {}))
        for name in self.dialect.never:
            self.record.usage[name] = 0
        self.record.source, self.complete = "reported", True

    def _take_more(self, usage: Json) -> Sequence[tuple[Any, Json]]:
        """Take what else a usage object says: the tier, the place, the cost, passes that are in no total."""
        record = self.record
        said = told(self.reader, usage)
        for name, value in said.fields.items():
            setattr(record, name, value)
        if said.cost is not None:
            record.reported_cost, record.reported_currency = said.cost, COST_CURRENCY
        context = said.context if record.tier != BATCH else {**said.context, "processing": BATCH}
        if context:
            record.context = {**(record.context or {}), **context}
        if self.dialect.iterations not in usage:
            return ()
        own, side = passes(self.reader, usage, record.response_model, record.request_model)
        record.usage = own or record.usage
        return side

    def _judge(self, error: BaseException | None) -> None:
        """Say of a call that did not go as usual how well its usage is known, and whether it may have been billed."""
        record = self.record
        if self.trouble is not None:
            record.status, record.error = "error", text(str(self.trouble))
        elif error is not None:
            record.error = type(error).__name__
        if record.usage and not self.complete:
            record.source = "partial"
            for name in self.dialect.placeholder:
                record.usage.pop(name, None)
        if not record.usage:
            record.source, record.usage = "missing", None
            if record.raw is not None:
                guard.note("usage.unknown_shape")
        if look(self.body, self.dialect.deferred) and record.source == "missing":
            record.billed = False  # this reply; what is made of it later is read when it is asked for
        if record.status != "ok":
            record.billed = self.passes > 0 or (not self.refusal and may_be_billed(error))
        if record.source == "reported" or record.billed is False or look(self.body, self.dialect.deferred):
            return  # nothing to estimate, or nothing to estimate it from: the answer is made after this call
        record.sent_chars = sum(map(len, strings(self.body)))
        record.seen_chars = self.seen if self.stream else None

    def _part(self, model: Any, usage: Json) -> event.Call:
        """Return the record of a pass that is in no total: a call of its own, whose parent is this one."""
        main = self.record
        part = event.Call(event.SCHEMA, event.new_id(main.ts), main.ts, parent=main.id, source="reported", status="ok")
        for name in INHERITED:
            setattr(part, name, getattr(main, name))
        part.response_model, part.usage, part.raw = text(model), self.reader.classes(usage), usage
        return part


INHERITED = (
    *("provider", "server", "operation", "api", "request_model", "tier", "requested_tier", "account", "project", "key"),
    *("region", "deployment", "context", "tags", "trace", "span"),
)

link: ContextVar[LiveCall | None] = ContextVar("meter_call", default=None)
"""The call whose `request` is running here: how `_process_response` finds it. A link, not a lock: nested calls are calls."""


def may_be_billed(error: BaseException | None) -> bool:
    """Say whether a call that brought no answer may have been billed: not if it was refused, or never sent.

    Any other exception, one of a signal handler for instance, tells nothing of the request it came out of.
    """
    if any(kind.__name__ == "APIStatusError" for kind in type(error).__mro__) or refused(error):
        return False
    return not _is_unsent(error)


def _is_unsent(error: BaseException | None) -> bool:
    """Say whether an exception, or what caused it, is one that comes before anything was sent. requests names no causes."""
    for _ in range(DEEPEST):
        if error is None or type(error).__name__ in UNSENT:
            break
        is_of_requests = type(error).__module__.startswith("requests.")
        error = error.__cause__ or (error.__context__ if is_of_requests else None)
    return error is not None and type(error).__name__ in UNSENT


def refused(error: BaseException | None) -> bool:
    """Say whether an exception is an answer with status 4xx or 5xx, as the SDKs write it."""
    if error is None or not TIMEOUTS.isdisjoint(kind.__name__ for kind in type(error).__mro__):
        return False
    stated = [
        getattr(error, name, None) for name in ("status_code", "code", "raw_status_code", "http_status", "status")
    ]
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore's
        stated.append(dig(response, ("ResponseMetadata", "HTTPStatusCode")))
    else:
        stated.append(getattr(response, "status_code", None))
    return any(type(status) is int and 400 <= status < 600 for status in stated)


def put(record: event.Call) -> None:
    """Append a record to the spool: what `recorder.write` does, without the shield that the caller has already."""
    me = recorder.origin()
    record.service, record.host, record.pid = me.service, me.host, me.pid
    writer = recorder.spool()
    if writer is not None:
        writer.append(event.encode(record))
