"""Finding what matters in the two ends of a JSON text whose middle was not kept."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from meter.providers.model import Dialect
from meter.providers.progress import reader_of
from meter.providers.reading import digits

KEPT_ENDS = 32 << 10

TYPE = re.compile(rb'"(?:type|event_type)"\s*:\s*"([^"\\\0]*)"')

GAP = b"\0"
"""Stands where a text was cut: JSON allows it nowhere, so that nothing is read across it."""

DECODER = json.JSONDecoder(parse_float=digits)

IN_TEXT = ("id", "model", "service_tier")
IN_OBJECTS = ("usage", "tool_usage")


class Finder:
    """Patterns for the names of one wire. In a text of the answer the quotes would be escaped."""

    def __init__(self, dialect: Dialect) -> None:
        names = reader_of(dialect).names
        self._events = dialect.events
        self._texts = {
            names[name]: re.compile(rb'"%s"\s*:\s*"([^"\\\0]*)"' % re.escape(names[name]).encode()) for name in IN_TEXT
        }
        self._objects = {
            names[name]: re.compile(rf'"{re.escape(names[name])}"\s*:\s*(?=\{{)')
            for name in IN_OBJECTS
            if name in names
        }

    def event(self, head: bytes, tail: bytes) -> dict[str, Any]:
        """Find what matters in the two ends of a long event."""
        found = self.whole(head, tail)
        for match in TYPE.finditer(head + GAP + tail):
            kind = match[1].decode("utf-8", "replace")
            if self._events is not None and (place := self._events.answers.get(kind)) is not None:
                return {"type": kind, "event_type": kind, **({place: found} if place else found)}
        return found

    def whole(self, head: bytes, tail: bytes) -> dict[str, Any]:
        """Find what matters in the two ends of a long JSON text, under the wire's names."""
        data = head + GAP + tail
        found: dict[str, Any] = {}
        for name, pattern in self._texts.items():
            if match := pattern.search(data):
                found[name] = match[1].decode("utf-8", "replace")
        text = data.decode("utf-8", "replace")
        for name, stated in self._objects.items():
            for place in stated.finditer(text):
                try:
                    found[name] = DECODER.raw_decode(text, place.end())[0]
                except ValueError:  # noqa: PERF203 - cut in two
                    continue
        return found


@functools.cache
def finder_of(dialect: Dialect) -> Finder:
    """Return the dialect's finder, made once."""
    return Finder(dialect)
