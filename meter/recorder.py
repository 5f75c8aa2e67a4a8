"""From a finished call to a line in the spool. Nothing here raises into the service."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter import arguments, attribution, event, guard, home, settings
from meter.arguments import taken
from meter.tagging import bounded

if TYPE_CHECKING:
    from meter.spool import Writer

RETRY_S = 10.0
"""How long a spool that could not be opened is left alone: a read-only disk costs one try per interval, not one per call."""

process_facts: Callable[[], tuple[dict[str, str], dict[str, str]]] | None = None
"""Set by `meter.instrument`: versions of the SDKs present, and the state of each hook."""


@dataclass
class Origin:
    """What every record of this process says of itself."""

    service: str
    host: str
    pid: int


_origin: Origin | None = None
_writer: Writer | None = None
_retry_at = 0.0


def start() -> event.Call:
    """Begin a call: its id, its time, and the tags and trace in force now."""
    ts = event.now_us()
    call = event.Call(event.SCHEMA, event.new_id(ts), ts)
    call.tags = attribution.current() or None
    if (ids := attribution.trace()) is not None:
        call.trace, call.span = ids
    return call


def write(record: event.Call | event.Outcome) -> str:
    """Append a record to the spool and return its id; METER_DISABLED makes it a no-op."""
    if settings.get().disabled:
        return record.id
    with guard.shield("record"):
        me = origin()
        record.service, record.host, record.pid = me.service, me.host, me.pid
        writer = spool()
        if writer is not None:
            writer.append(event.encode(record))
    return record.id


def publish() -> None:
    """Write down now what is counted beside the records; there may be no record that takes it along."""
    if settings.get().disabled:
        return
    with guard.shield("publish"):
        writer = spool()
        if writer is not None:
            writer.publish()


def record(
    *,
    provider: str,
    model: str,
    usage: Mapping[str, int | float],
    operation: str = "chat",
    started_at: datetime | float | None = None,
    duration_s: float | None = None,
    tier: str | None = None,
    response_id: str | None = None,
    status: event.Status = "ok",
    tags: Mapping[str, Any] | None = None,
) -> str:
    """Record a call that no hook sees, and return its id.

    `usage` maps usage classes (README, "Usage classes") to counts; the classes are disjoint, so `input` leaves out what was read
    from a cache. `started_at` is a datetime (without a zone: UTC) or seconds since the epoch; by default now. What makes no
    sense is left out, counted as a failure that `meter doctor` shows, and logged.
    """
    call = start()
    call.ts = taken(arguments.epoch_us, started_at) or call.ts
    call.dur = taken(arguments.duration_us, duration_s)
    call.provider, call.operation = taken(arguments.provider, provider), taken(arguments.text, operation)
    call.request_model = call.response_model = taken(arguments.text, model)
    call.tier, call.response_id = taken(arguments.text, tier), taken(arguments.text, response_id)
    call.status = taken(arguments.status, status)
    call.usage, call.source = taken(arguments.usage, usage, (None, "missing"))
    if tags is not None:
        call.tags = taken(lambda tags: bounded({**(call.tags or {}), **tags}), tags, call.tags) or None
    return write(call)


def outcome(
    name: str,
    value: Decimal | int | str | float | None = None,
    currency: str = "USD",
    quantity: Decimal | int | str | float = 1,
    **tags: Any,
) -> str:
    """Record what calls achieved and what it was worth, and return the record's id.

    `value` is for the whole outcome, in `currency`. Spend joins outcomes over shared tags, so give the tags its calls have.
    """
    ts = event.now_us()
    made = event.Outcome(event.SCHEMA, event.new_id(ts), ts, taken(arguments.text, name) or "unknown")
    made.value, made.quantity = taken(arguments.amount, value), taken(arguments.amount, quantity)
    made.currency = taken(arguments.text, currency)
    made.tags = {**attribution.current(), **bounded(tags)} or None
    if (ids := attribution.trace()) is not None:
        made.trace, made.span = ids
    return write(made)


def origin() -> Origin:
    """Return who this process is; asked again after a fork."""
    global _origin
    if _origin is None:
        _origin = Origin(_service(), platform.node(), os.getpid())
    return _origin


def spool() -> Writer | None:
    """Return the process's spool, opened at the first record; None while it cannot be opened."""
    global _writer, _retry_at
    if _writer is None and time.monotonic() >= _retry_at:
        try:
            _writer = _open()
        except BaseException:
            _retry_at = time.monotonic() + RETRY_S
            raise
    if _writer is None:
        guard.note("spool.open")
    return _writer


def close() -> None:
    """Let go of the spool; the next record opens a new one."""
    global _writer, _origin, _retry_at
    writer, _writer, _origin, _retry_at = _writer, None, None, 0.0
    if writer is not None:
        writer.close()
        guard.failures.clear()  # they went out with the segment's state; the next writer would publish them again


def _open() -> Writer:
    from meter.spool import Writer  # here, since a service that makes no call should not pay for it

    place, chosen = home.find(), settings.get()
    if place.fallback:
        guard.tell(guard.log, logging.WARNING, "%s; calls are recorded in %s", place.fallback, place.path)
    home.ensure(place)
    return Writer(
        place.spool,
        max_bytes=chosen.spool_max_bytes,
        sync=chosen.sync == "call",
        first_line=_process_line,
        failures=guard.failures,
        file_mode=place.segment_mode,
    )


def _process_line() -> bytes:
    me, ts = origin(), event.now_us()
    sdks, hooks = process_facts() if process_facts else ({}, {})
    line = event.Process(event.SCHEMA, event.new_id(ts), ts, me.service, me.host, me.pid)
    line.python, line.meter, line.sdks, line.hooks = platform.python_version(), _version(), sdks or None, hooks or None
    return event.encode(line)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("spendmeter")
    except PackageNotFoundError:
        return "unknown"


def _service() -> str:
    variables = settings.environ()
    if name := settings.get().service or variables.get("OTEL_SERVICE_NAME"):
        return name
    for pair in variables.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, _, value = pair.partition("=")
        if key.strip() == "service.name" and value.strip():
            return value.strip()
    program = Path(sys.argv[0]).name if sys.argv else ""
    return program if program not in ("", "-c", "-m") else "python"


def _after_fork() -> None:
    global _origin
    _origin = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
