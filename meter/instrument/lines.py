"""Reading a body while its bytes pass: the events of a stream one by one, or the ends of a JSON text. Nothing more is kept."""

from __future__ import annotations

import msgspec

from meter.instrument.live import LiveCall
from meter.providers import frames
from meter.providers.pieces import KEPT_ENDS, finder_of
from meter.providers.reading import UNREADABLE
from meter.providers.watching import decoder_of, watcher_of

MAX_LINE = 1 << 20
"""Of a line longer than this only the ends are kept, while it is on its way."""

KEPT_WHOLE = 128 << 10

DONE = b"[DONE]"
"""The last word of a stream on OpenAI's wire: nobody reads on."""


class Collector:
    """Takes the bytes of one body, and tells the call what they say. This one reads a JSON text."""

    def __init__(self, call: LiveCall) -> None:
        self._call = call
        self._buffer = b""
        self._head = b""

    def feed(self, data: bytes) -> None:
        """Read what these bytes complete."""
        self._buffer += data
        if len(self._buffer) > KEPT_WHOLE:
            self._cut()

    def finish(self) -> None:
        """The body is at its end."""
        call = self._call
        if self._head:
            call.take(finder_of(call.dialect).whole(self._head, self._buffer))
            call.complete = True
        elif call.stream and self._buffer.lstrip()[:1] == b"[":
            _take_events(call, self._buffer)
        else:
            call.take_body(self._buffer)
        self._buffer = self._head = b""

    def _cut(self) -> None:
        self._head = self._head or self._buffer[:KEPT_ENDS]
        self._buffer = self._buffer[-KEPT_ENDS:]


class Lines(Collector):
    """Reads the lines of a stream. This one knows the events of `text/event-stream`."""

    def __init__(self, call: LiveCall) -> None:
        super().__init__(call)
        self._decode = decoder_of(call.dialect)
        self._watch = watcher_of(call.dialect)
        self._parts = bytearray()
        """The lines of an event whose first is not all of it."""

    def feed(self, data: bytes) -> None:
        """Read what these bytes complete."""
        buffer = self._buffer + data
        end = buffer.rfind(b"\n") + 1 or buffer.rfind(b"\r", 0, -1) + 1  # the last byte may be half of a line's end
        self._buffer = rest = buffer[end:]
        if end:
            self._lines(buffer[:end])
        if len(rest) > MAX_LINE:
            self._cut()

    def finish(self) -> None:
        """The body is at its end."""
        self._lines(self._buffer + b"\n\n")
        self._buffer = self._head = b""

    def _lines(self, data: bytes) -> None:
        for line in self._split(data):
            if line.startswith(b"data:"):
                if self._parts:
                    self._parts += b"\n" + line[5:] if len(self._parts) < MAX_LINE else b""
                elif (event := self._decode(line[5:])) is not None:
                    self._watch(self._call, event)
                elif line[5:].strip() == DONE:
                    self._call.ended = self._call.stopped = True
                else:
                    self._parts += line[5:]
            elif self._parts and not line:
                if b"\n" in self._parts and (event := self._decode(bytes(self._parts))) is not None:
                    self._watch(self._call, event)
                self._parts.clear()

    def _split(self, data: bytes) -> list[bytes]:
        lines = data.splitlines()
        if self._head:
            lines[0] = self._mended(lines[0])
        return lines

    def _mended(self, tail: bytes) -> bytes:
        """Return a line whose middle was left out as one that has only what matters."""
        head, self._head = self._head, b""
        if self._call.dialect.events is None or not head.startswith((b"data:", b"{")):
            return b""
        event = finder_of(self._call.dialect).event(head, tail[-KEPT_ENDS:])
        return (b"data:" if head[:1] == b"d" else b"") + msgspec.json.encode(event)


class JsonLines(Lines):
    """Reads a stream of which each line is an event."""

    def _lines(self, data: bytes) -> None:
        for line in self._split(data):
            if line and (event := self._decode(line)) is not None:
                self._watch(self._call, event)


class Frames(Lines):
    """Reads Amazon's event stream: binary frames, each with an event of JSON."""

    def feed(self, data: bytes) -> None:
        """Read what these bytes complete."""
        self._buffer, found = frames.split(self._buffer + data)
        for frame in found:
            self._take(frame)

    def finish(self) -> None:
        """The body is at its end; half a frame says nothing."""
        self._buffer = b""

    def _take(self, frame: frames.Frame) -> None:
        if frame.error is not None:
            self._call.trouble = frame.error
        elif (event := self._decode(frame.payload)) is not None:
            if frame.kind is not None and hasattr(event, "type"):
                event.type = event.type or frame.kind
            self._watch(self._call, event)


KINDS: tuple[tuple[str, type[Collector]], ...] = (
    ("event-stream", Lines),
    ("vnd.amazon.eventstream", Frames),
    ("ndjson", JsonLines),
    ("stream+json", JsonLines),
    ("jsonl", JsonLines),
)
"""What a content type says, and what reads it."""


def collector(call: LiveCall, content_type: str) -> Collector:
    """Return what reads a body of this type."""
    stated = content_type.lower()
    kind = next((kind for name, kind in reversed(KINDS) if name in stated), Collector)
    return kind(call)


def read_whole(call: LiveCall, content: bytes, content_type: str) -> None:
    """Read a body that is there whole although it may be a stream's, as of sound that was asked for in events."""
    reader = collector(call, content_type)
    reader.feed(content)
    reader.finish()
    call.complete = True


def is_stream(content_type: str) -> bool:
    """Say whether a body of this type comes event by event."""
    return any(name in content_type.lower() for name, _ in KINDS)


def _take_events(call: LiveCall, content: bytes) -> None:
    """Read a stream that came as one JSON list of its events."""
    decode, watch = decoder_of(call.dialect), watcher_of(call.dialect)
    try:
        listed: list[msgspec.Raw] = msgspec.json.decode(content, type=list[msgspec.Raw])
    except UNREADABLE:
        return
    for item in listed:
        if (event := decode(bytes(item))) is not None:
            watch(call, event)
