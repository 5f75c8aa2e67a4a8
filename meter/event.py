"""The records a service writes: one JSON object a line, schema version 1.

A field that is absent is unknown; 0 is a measured zero. Times are whole microseconds, `ts` since the epoch in UTC. Money is a
decimal string, since a JSON number passes through a double. `usage` maps the disjoint classes of `meter.names` to counts.
"""

from __future__ import annotations

import os
import time
from typing import Any, Final, Literal

import msgspec

SCHEMA: Final = 1
MAX_COUNT: Final = 10**10
"""Largest believable count of one class in one call; beyond it a line is a dead letter."""

LAST_TS: Final = 253_370_764_800_000_000
"""The year 9999 begins: times up to here can be handed out in any time zone."""

Status = Literal["ok", "error", "aborted"]
Source = Literal["reported", "partial", "missing"]
Number = int | float


class Call(msgspec.Struct, omit_defaults=True, tag_field="kind", tag="call", gc=False):
    """One measured model call."""

    v: int
    id: str
    ts: int
    dur: int | None = None
    ttft: int | None = None
    service: str | None = None
    host: str | None = None
    pid: int | None = None
    provider: str | None = None
    server: str | None = None
    operation: str | None = None
    api: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    tier: str | None = None
    requested_tier: str | None = None
    account: str | None = None
    project: str | None = None
    key: str | None = None
    region: str | None = None
    deployment: str | None = None
    context: dict[str, str] | None = None
    usage: dict[str, Number] | None = None
    raw: Any = None
    source: Source | None = None
    sent_chars: int | None = None
    seen_chars: int | None = None
    status: Status | None = None
    error: str | None = None
    attempts: int | None = None
    billed: bool | None = None
    parent: str | None = None
    stream: bool | None = None
    chunks: int | None = None
    reported_cost: str | None = None
    reported_currency: str | None = None
    tags: dict[str, str] | None = None
    trace: str | None = None
    span: str | None = None


class Outcome(msgspec.Struct, omit_defaults=True, tag_field="kind", tag="outcome", gc=False):
    """What calls achieved, and what it was worth."""

    v: int
    id: str
    ts: int
    name: str
    value: str | None = None
    currency: str | None = None
    quantity: str | None = None
    service: str | None = None
    host: str | None = None
    pid: int | None = None
    tags: dict[str, str] | None = None
    trace: str | None = None
    span: str | None = None


class Process(msgspec.Struct, omit_defaults=True, tag_field="kind", tag="process", gc=False):
    """A segment's first line: who writes it, with which versions, and the state of each hook."""

    v: int
    id: str
    ts: int
    service: str | None = None
    host: str | None = None
    pid: int | None = None
    python: str | None = None
    meter: str | None = None
    sdks: dict[str, str] | None = None
    hooks: dict[str, str] | None = None


Record = Call | Outcome | Process

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Call | Outcome | Process).decode


def now_us() -> int:
    """Return the time in whole microseconds since the epoch."""
    return time.time_ns() // 1000


def new_id(ts_us: int) -> str:
    """Return a 128-bit id in hex that sorts by time: 48 bits of milliseconds, 80 random bits.

    The random bits come from the kernel: a generator of ours would repeat itself in a forked child.
    """
    return f"{ts_us // 1000:012x}{os.urandom(10).hex()}"


def encode(record: Record) -> bytes:
    """Return the record's line, without a newline. What JSON cannot carry is mended rather than lost."""
    try:
        return _encode(record)
    except (UnicodeError, OverflowError, TypeError, ValueError):
        return _encode(_mended(_as_dict(record)))


_INTEGERS = ("ts", "dur", "ttft", "pid", "sent_chars", "seen_chars", "attempts", "chunks")


def decode(line: bytes) -> Record:
    """Read one line. Raises ValueError that says which field is wrong: schema, kind, type or range."""
    record: Record = _decode(line)
    if record.v != SCHEMA:
        raise ValueError(f"schema version {record.v} is not {SCHEMA}")
    for name in _INTEGERS:
        if (number := getattr(record, name, None)) is not None and not -(2**63) <= number < 2**63:
            raise ValueError(f"{name} = {number} is out of range")
    if isinstance(record, Call):
        for name, count in (record.usage or {}).items():
            if not 0 <= count <= MAX_COUNT:
                raise ValueError(f"usage.{name} = {count} is out of range")
    return record


def _as_dict(record: Record) -> dict[str, Any]:
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    config = record.__struct_config__
    return {str(config.tag_field): config.tag, **{k: v for k, v in fields.items() if v is not None}}


def _mended(value: Any, depth: int = 8) -> Any:
    """Copy a value so that JSON can carry it: odd text is replaced, a number too large becomes text, the rest its type's name."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict) and depth:
        return {_mended(str(key)): _mended(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_mended(item, depth - 1) for item in value]
    return type(value).__name__
