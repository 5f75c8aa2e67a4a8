"""Reading a body while its bytes pass: the events of a stream line by line, or the ends of a JSON text. Nothing more is kept."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from meter.instrument.live import LiveCall
from meter.providers.model import Events
from meter.providers.reading import digits
from meter.providers.watching import decoder_of, watcher_of

MAX_LINE = 1 << 20
"""Of a line longer than this only the ends are kept, while it is on its way."""

KEPT_WHOLE = 128 << 10
KEPT_ENDS = 32 << 10

TEXTS = {name: re.compile(rb'"%s"\s*:\s*"([^"\\\0]*)"' % name.encode()) for name in ("id", "model", "service_tier")}
OBJECTS = {name: re.compile(rf'"{name}"\s*:\s*(?=\{{)') for name in ("usage", "tool_usage")}
"""What matters in an answer, as it is found in a piece of one. In a text of the answer the quotes would be escaped."""

TYPE = re.compile(rb'"type"\s*:\s*"([^"\\\0]*)"')

GAP = b"\0"
"""Stands where a text was cut: JSON allows it nowhere, so that nothing is read across it."""

DECODER = json.JSONDecoder(parse_float=digits)


class Collector:
    """Takes the bytes of one body, and tells the call what they say."""

    def __init__(self, call: LiveCall, content_type: str) -> None:
        self._call = call
        self._stream = "event-stream" in content_type.lower()
        self._decode = decoder_of(call.dialect)
        self._watch = watcher_of(call.dialect)
        self._buffer = b""
        self._head = b""
        self._parts = bytearray()
        """The lines of an event whose first is not all of it."""

    def feed(self, data: bytes) -> None:
        """Read what these bytes complete."""
        if not self._stream:
            self._keep(data)
            return
        buffer = self._buffer + data
        end = buffer.rfind(b"\n") + 1 or buffer.rfind(b"\r", 0, -1) + 1  # the last byte may be half of a line's end
        self._buffer = rest = buffer[end:]
        if end:
            self._lines(buffer[:end])
        if len(rest) > MAX_LINE:
            self._cut()

    def finish(self) -> None:
        """The body is at its end."""
        if self._stream:
            self._lines(self._buffer + b"\n\n")
        elif not self._head:
            self._call.take_body(self._buffer)
        else:
            self._call.take(_pieces(self._head, self._buffer))
            self._call.complete = True
        self._buffer = self._head = b""

    def _lines(self, data: bytes) -> None:
        lines = data.splitlines()
        if self._head:
            lines[0] = self._mended(lines[0])
        for line in lines:
            if line.startswith(b"data:"):
                if self._parts:
                    self._parts += b"\n" + line[5:] if len(self._parts) < MAX_LINE else b""
                elif (event := self._decode(line[5:])) is not None:
                    self._watch(self._call, event)
                else:
                    self._parts += line[5:]
            elif self._parts and not line:
                if b"\n" in self._parts and (event := self._decode(bytes(self._parts))) is not None:
                    self._watch(self._call, event)
                self._parts.clear()

    def _keep(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > KEPT_WHOLE:
            self._cut()

    def _cut(self) -> None:
        self._head = self._head or self._buffer[:KEPT_ENDS]
        self._buffer = self._buffer[-KEPT_ENDS:]

    def _mended(self, tail: bytes) -> bytes:
        """Return a line whose middle was left out as one that has only what matters."""
        head, self._head = self._head, b""
        events = self._call.dialect.events
        if events is None or not head.startswith(b"data:"):
            return b""
        return b"data:" + msgspec.json.encode(_event(head, tail[-KEPT_ENDS:], events))


def _event(head: bytes, tail: bytes, events: Events) -> dict[str, Any]:
    """Find what matters in the two ends of a long event."""
    found = _pieces(head, tail)
    for match in TYPE.finditer(head + GAP + tail):
        kind = match[1].decode("utf-8", "replace")
        if (place := events.answers.get(kind)) is not None:
            return {"type": kind, **({place: found} if place else found)}
    return found


def _pieces(head: bytes, tail: bytes) -> dict[str, Any]:
    """Find what matters in the two ends of a long JSON text."""
    data = head + GAP + tail
    found: dict[str, Any] = {}
    for name, pattern in TEXTS.items():
        if match := pattern.search(data):
            found[name] = match[1].decode("utf-8", "replace")
    text = data.decode("utf-8", "replace")
    for name, stated in OBJECTS.items():
        for place in stated.finditer(text):
            try:
                found[name] = DECODER.raw_decode(text, place.end())[0]
            except ValueError:  # noqa: PERF203 - cut in two
                continue
    return found
