"""Reading a body while its bytes pass: the events of a stream line by line, or the ends of a JSON text. Nothing more is kept."""

from __future__ import annotations

import json
import re
from typing import Any

from meter.instrument.live import LiveCall
from meter.providers.watching import decoder_of, watcher_of

MAX_LINE = 1 << 20
"""A line longer than this is no event that states usage."""

KEPT_WHOLE = 128 << 10
KEPT_ENDS = 32 << 10


class Collector:
    """Takes the bytes of one body, and tells the call what they say."""

    def __init__(self, call: LiveCall, content_type: str) -> None:
        self._call = call
        self._stream = "event-stream" in content_type.lower()
        self._decode = decoder_of(call.dialect)
        self._watch = watcher_of(call.dialect)
        self._buffer = b""
        self._head = b""

    def feed(self, data: bytes) -> None:
        """Read what these bytes complete."""
        if not self._stream:
            self._keep(data)
            return
        buffer = self._buffer + data
        end = buffer.rfind(b"\n") + 1
        rest = buffer[end:]
        self._buffer = rest if len(rest) <= MAX_LINE else b""
        for line in buffer[:end].splitlines():
            self._line(line)

    def finish(self) -> None:
        """The body is at its end."""
        if self._stream:
            self._line(self._buffer)
        elif not self._head:
            self._call.take_body(self._buffer)
        else:
            self._call.take(_pieces(self._head, self._buffer))
            self._call.complete = True
        self._buffer = self._head = b""

    def _line(self, line: bytes) -> None:
        if line.startswith(b"data:") and (event := self._decode(line[5:])) is not None:
            self._watch(self._call, event)

    def _keep(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > KEPT_WHOLE:
            self._head = self._head or self._buffer[:KEPT_ENDS]
            self._buffer = self._buffer[-KEPT_ENDS:]


def _pieces(head: bytes, tail: bytes) -> dict[str, Any]:
    """Find what matters in the two ends of a long JSON text."""
    found: dict[str, Any] = {}
    for name in ("id", "model"):
        if match := re.search(rb'"%s"\s*:\s*"([^"\\]*)"' % name.encode(), head + b" " + tail):
            found[name] = match[1].decode("utf-8", "replace")
    text = (head + b" " + tail).decode("utf-8", "replace")
    for stated in re.finditer(r'"usage"\s*:\s*(?=\{)', text):
        found["usage"] = json.JSONDecoder().raw_decode(text, stated.end())[0]
    return found
