"""Faults, as data: each row says what goes wrong, and the server does what the row says."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from meter.errors import MeterError
from meter.simulator.wire import ABSENT, Json, Reply, frame

STRANGE_USAGE: Json = {"tokens": {"in": "many", "out": [1, 2, 3]}, "billing_units": 4.5}


@dataclass(frozen=True)
class Fault:
    """One way in which an answer goes wrong; each field that is set changes one thing."""

    name: str
    about: str
    status: int = 200
    error: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    stalls: str = ""  # "start": before the first byte; "middle": half-way through
    cut: str = ""  # "start": before the headers; "middle": half-way through
    inject: str = ""  # what is put half-way into a stream: "malformed", "error"
    usage: Any = None  # replaces the usage object; ABSENT leaves it out
    finish: str = "stop"
    content_type: str = ""
    body: bytes | None = None
    needs: str = ""  # only requests with this field fail


MALFORMED = b'data: {"id": "cut short, "choices": [}\n\n'
RETRY_AFTER = {"retry-after-ms": "10", "retry-after": "1"}

FAULTS: tuple[Fault, ...] = (
    Fault(
        "bad-request", "400, invalid_request_error", 400, "invalid_request_error", "the simulator refuses this model"
    ),
    Fault("unauthorized", "401, authentication_error", 401, "authentication_error", "the simulator refuses this key"),
    Fault("not-found", "404, not_found_error", 404, "not_found_error", "the simulator has no such model"),
    Fault("rate-limited", "429 with retry-after of 10 ms", 429, "rate_limit_error", "too many requests", RETRY_AFTER),
    Fault("server-error", "500", 500, "api_error", "the simulator failed", RETRY_AFTER),
    Fault("overloaded", "529", 529, "overloaded_error", "overloaded", RETRY_AFTER),
    Fault(
        "refuses-stream-options",
        "400 if the request has stream_options",
        400,
        "invalid_request_error",
        "Unrecognized request argument supplied: stream_options",
        needs="stream_options",
    ),
    Fault("stall", "answers after `stall_s` (1 s)", stalls="start"),
    Fault("stall-mid-stream", "pauses for `stall_s` half-way", stalls="middle"),
    Fault("cut-before-headers", "closes the connection without a byte", cut="start"),
    Fault("cut-mid-body", "closes the connection half-way through the body or the stream", cut="middle"),
    Fault("malformed-sse", "half-way through the stream a data line that is no JSON", inject="malformed"),
    Fault("error-event", "half-way through the stream an error event, then the end", inject="error"),
    Fault("no-usage", "the answer states no usage", usage=ABSENT),
    Fault("strange-usage", "a usage object of unknown shape", usage=STRANGE_USAGE),
    Fault(
        "wrong-content-type",
        "an HTML page with status 200",
        content_type="text/html",
        body=b"<html><p>login</p></html>",
    ),
    Fault(
        "malformed-json",
        "a JSON body that ends early, with its length right",
        content_type="application/json",
        body=b'{"id": "cut',
    ),
    Fault("length", "finish reason length (incomplete, max_tokens)", finish="length"),
    Fault("content-filter", "finish reason content_filter (refusal)", finish="content_filter"),
)

MODELS: tuple[tuple[str, str], ...] = (
    ("bad", "bad-request"),
    ("flaky*", "server-error-once"),
    ("no-so", "refuses-stream-options"),
    ("slow", "stall"),
    ("trunc", "length"),
)
"""Models that always have a fault."""

NONE = Fault("", "nothing goes wrong")
BAD_HEADER = Fault("bad-header", "a header of ours cannot be read", 400, "invalid_request_error")
ONCE = "-once"
_BY_NAME = {fault.name: fault for fault in FAULTS}


def named(name: str) -> tuple[Fault, bool]:
    """Return the fault, and whether only odd requests have it. Raises MeterError for an unknown name."""
    fault = _BY_NAME.get(name.removesuffix(ONCE)) if name else NONE
    if fault is None:
        raise MeterError(f"the simulator has no fault {name!r}", hint=f"faults are: {', '.join(_BY_NAME)}")
    return fault, name.endswith(ONCE)


def of_model(model: str) -> str:
    """Return the name of the fault a model always has, or an empty string."""
    return next((fault for pattern, fault in MODELS if fnmatchcase(model, pattern)), "")


def broken(reply: Reply, fault: Fault) -> Reply:
    """Return what a fault makes of an answer: another body, or a stream with something put half-way into it."""
    if fault.body is not None:
        return Reply(fault.body, content_type=fault.content_type)
    if fault.inject and reply.frames is not None:
        half = len(reply.frames) // 2
        rest = (
            [MALFORMED, *reply.frames[half:]] if fault.inject == "malformed" else [_error_event(reply.frames[0], half)]
        )
        reply.frames[half:] = rest
    return reply


def _error_event(first: bytes, number: int) -> bytes:
    """Return an error event in the dialect of a stream, known by its first event."""
    if b"message_start" in first:
        return frame({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error")
    error = {"code": "server_error", "message": "the simulator failed half-way", "param": None}
    if b"response.created" in first:
        return frame({"type": "error", **error, "sequence_number": number}, "error")
    return frame({"error": {"type": "server_error", **error}})
