"""Amazon's event stream: frames of `length, headers' length, checksum, headers, payload, checksum`, all numbers big-endian.

Its specification is part of AWS's general reference ("Event stream encoding"). Checksums are left to the SDK, which refuses what
is broken; here a frame is only looked at.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import msgspec

PRELUDE = 12
CHECKSUM = 4
STRING = 7
"""The type of a header whose value is text; the others have a fixed length, or a length like text."""

SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


@dataclass(frozen=True)
class Frame:
    """One event: its kind, and its JSON; or the error that stands in its place."""

    kind: str | None
    payload: bytes
    error: str | None = None


class _Chunk(msgspec.Struct):
    """What InvokeModel wraps each family's own event in."""

    bytes: str


def split(data: bytes) -> tuple[bytes, list[Frame]]:
    """Return what is not yet a whole frame, and the frames before it."""
    found: list[Frame] = []
    at = 0
    while len(data) - at >= PRELUDE:
        length = int.from_bytes(data[at : at + 4], "big")
        if length < PRELUDE + CHECKSUM:
            return b"", found  # no event stream at all
        if len(data) - at < length:
            break
        found.append(_frame(data[at : at + length]))
        at += length
    return data[at:], found


def _frame(data: bytes) -> Frame:
    end = PRELUDE + int.from_bytes(data[4:8], "big")
    headers = _headers(data[PRELUDE:end])
    payload = data[end:-CHECKSUM]
    if headers.get(":message-type") in ("exception", "error"):
        return Frame(None, payload, headers.get(":exception-type") or headers.get(":error-code") or "error")
    kind = headers.get(":event-type")
    if kind == "chunk":
        try:
            return Frame(None, base64.b64decode(msgspec.json.decode(payload, type=_Chunk).bytes))
        except (msgspec.MsgspecError, ValueError):
            return Frame(None, payload)
    return Frame(kind, payload)


def _headers(data: bytes) -> dict[str, str]:
    """Return the headers whose values are text."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        size = data[at]
        name = data[at + 1 : at + 1 + size].decode("utf-8", "replace")
        kind, at = data[at + 1 + size], at + 2 + size
        if kind in SIZES:
            at += SIZES[kind]
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if kind == STRING:
            found[name] = data[at + 2 : at + 2 + length].decode("utf-8", "replace")
        at += 2 + length
    return found
