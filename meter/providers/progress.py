"""What is known of an answer while it comes: read from a body at once, or gathered from the events of a stream."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from meter import event, guard
from meter.providers.interpreting import MAX_TEXT
from meter.providers.model import Answer, Dialect
from meter.providers.reading import UNREADABLE, Reader, as_object, dig, look, merge, plain

BIG_BODY = 16_384
"""An answer longer than this is read from its end, where its dialect says that the end is enough."""

NULL = msgspec.Raw(b"null")
PRETTY = (b"{\n", b"{\r", b"\n", b"{ ")
"""Bodies that begin so have line ends in them, and a record is one line."""


class Progress:
    """One answer, as far as it has come, and the record that takes it up.

    Defaults stand on the class: most calls change few of them, and each costs time.
    """

    record: event.Call
    reader: Reader
    fees: dict[str, int] | None = None
    complete = False
    """The last word on usage has been said."""
    ended = False
    """The stream's final event has come, with usage or without."""
    stopped = False
    """Nothing follows any more."""
    finished = 0
    """How many of the answers asked for came to their end in events that state usage."""
    trouble: Any = None
    """The code of an error that came as an event, or in place of an answer."""
    asked = False
    """We asked for the usage, so the caller must not see it."""
    introduced = False
    chunks = 0
    seen = 0
    """Characters of generated text."""
    first_ns = 0
    text_at = 0
    """Which place had text last: a block of one kind follows its like."""
    hurt = False

    def fault(self, step: str) -> None:
        """Count the exception being handled: one for a stream, not one for each of its events."""
        if not self.hurt:
            self.hurt = True
            guard.fail(step)

    def answers(self) -> int:
        """Return how many answers were asked for at once."""
        return 1

    def take_body(self, content: bytes) -> None:
        """Read a whole answer from its bytes."""
        self.complete = True
        reader = self.reader
        body = reader.ending(content) if len(content) > BIG_BODY and reader.dialect.usage_at_end else None
        if body is None:
            try:
                body = reader.decode(content)
            except UNREADABLE:
                self._take_odd(content)
                return
        record, usage = self.record, body.stated()
        record.response_id, record.response_model = body.id or None, body.model or None
        record.tier = body.service_tier or None
        if type(usage) is dict:
            record.raw = usage
        elif usage and usage != NULL:
            record.raw = one_line(usage) if content.startswith(PRETTY) else usage
        if body.error:
            self.trouble = error_code(body.error)
        if reader.tells_fees:
            self._take_fees(body)

    def _take_odd(self, content: bytes) -> None:
        """Read an answer whose fields are not what they should be."""
        if found := as_object(content):
            self.take_whole(found)
        elif not self.reader.dialect.opaque:
            guard.note("answer.unreadable")

    def take_whole(self, answer: Any) -> None:
        """Read a whole answer from an SDK's object."""
        self.complete = True
        self.take(answer)
        if error := look(answer, "error"):
            self.trouble = error_code(error)

    def take(self, answer: Any, usage: Any = None) -> bool:
        """Read what an SDK's object, a dict or a shape of ours says of the answer so far; say whether it states usage.

        `usage` is for an event that has it elsewhere.
        """
        record = self.record
        if type(answer) is dict:
            answer = self.reader.shaped(answer)
        record.response_id = record.response_id or text(look(answer, "id"))
        record.response_model = text(look(answer, "model")) or record.response_model
        record.tier = text(look(answer, "service_tier")) or record.tier
        usage = plain(stated(answer) if usage is None else usage)
        if usage is not None:
            record.raw = merge(record.raw, usage)
        if self.reader.tells_fees:
            self._take_fees(answer)
        return bool(usage)

    def take_headers(self, headers: Mapping[str, str]) -> None:
        """Read the counts that an answer's headers state. Beside those of the body they fill in what that leaves out."""
        texts = {field: headers.get(name) for name, field in self.reader.dialect.headers.items()}
        found = {name: int(count) for name, count in texts.items() if count and count.isdecimal()}
        if found:
            self.record.raw = found if self.record.raw is None else {**found, **as_object(self.record.raw)}

    def saw_text(self, text: Any) -> None:
        """Count generated characters, and note when the first came."""
        if not self.seen:
            self.first_ns = time.perf_counter_ns()
        self.seen += len(text) if isinstance(text, str) else sum(len(t) for t in text if isinstance(t, str))

    def _take_fees(self, answer: Any) -> None:
        for name, place, path in self.reader.fees:
            found = dig(plain(look(answer, place)), path)
            if isinstance(found, int):
                self.fees = {**(self.fees or {}), name: found}
        executed = self.reader.dialect.executed
        for name, found in (executed(answer) if executed is not None else {}).items():
            self.fees = {name: found, **(self.fees or {})}  # what a number says goes first


@functools.cache
def reader_of(dialect: Dialect) -> Reader:
    """Return the dialect's reader, made once."""
    return Reader(dialect)


def stated(answer: Any) -> Any:
    """Return the usage that an answer states."""
    return answer.stated() if isinstance(answer, Answer) else look(answer, "usage")


def error_code(error: Any) -> str:
    """Return the code of an error, or its type; never its message, which may quote the request."""
    found = plain(error)
    codes = [dig(found, ("code",)), dig(found, ("type",))]
    return next((str(code) for code in codes if code and isinstance(code, str | int)), "error")


def one_line(usage: msgspec.Raw) -> msgspec.Raw:
    """Return a usage object without line ends and indentation. Its texts are names of tiers and places, without double blanks."""
    return msgspec.Raw(bytes(usage).replace(b"\r", b"").replace(b"\n", b"").replace(b"  ", b""))


def text(value: Any) -> str | None:
    """Return what can stand in a text field."""
    return value[:MAX_TEXT] or None if isinstance(value, str) else None
