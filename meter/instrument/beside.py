"""Reading what tells of calls that were made elsewhere: the results of batches, and what was done in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from meter import attribution, event, guard, keepsake, recorder
from meter.instrument.facts import Facts
from meter.instrument.lines import Collector, Lines
from meter.instrument.live import BATCH, LiveCall
from meter.instrument.taps import attach
from meter.keepsake import Keepsake
from meter.providers import beside, reading
from meter.providers.interactions import INTERACTIONS
from meter.providers.messages import MESSAGES
from meter.providers.model import Dialect
from meter.providers.reading import UNREADABLE
from meter.providers.runs import RUNS


def read(kind: str, name: str, response: Any, facts: Facts, content: Any) -> None:
    """Read an answer: its bytes, or None where they are a stream that is read later."""
    if content is not None or kind in STREAMED:
        READERS[kind](name, response, facts, content)


def _created(_: str, __: Any, facts: Facts, content: Any) -> None:
    """A batch was made: remember by whom."""
    found = beside.batch_in(facts.sdk, content)
    if found.id:
        keepsake.keep(_of(found, found.id, dict(attribution.current())))


def _started(name: str, response: Any, facts: Facts, content: Any) -> None:
    """A run was begun, or goes on with what it had asked for: `name` says which."""
    if content is None:
        attach(response, Run(facts, name))
    elif name:
        _settled(name, response, facts, content)
    else:
        _created(name, response, facts, content)


def _batch(_: str, __: Any, facts: Facts, content: Any) -> None:
    """A batch was looked at: remember which files are its, and take results that come with it."""
    found = beside.batch_in(facts.sdk, content)
    if not found.id:
        return
    for file in (found.output_file_id, found.error_file_id, found.output_file, found.error_file):
        if file:
            keepsake.keep(_of(found, file.rpartition("/")[2], of=found.id))
    if found.outputs:
        results = Results(facts, found.id, _of(found, found.id))
        for line in found.outputs:
            results.take_line(bytes(line))


def _of(found: beside.Batch, name: str, tags: dict[str, str] | None = None, of: str | None = None) -> Keepsake:
    return Keepsake(name, tags, of, beside.moment(found.created_at), found.endpoint, found.model)


def _settled(name: str, response: Any, facts: Facts, content: Any) -> None:
    """Something was asked for that may have been made in the background; what can be asked for as a stream was."""
    if content is None:
        attach(response, Resumed(facts, name, beside.settled_wire(facts.provider)))
        return
    found = beside.decode_settled(content)
    if not found.is_over or found.id is None or keepsake.recall(keepsake.metered(found.id)) is not None:
        return
    kept = keepsake.recall(found.id)
    if kept is None and not found.tells_its_kind:
        return
    dialect = beside.settled_wire(facts.provider, found.object)
    put(dialect, content, facts, found.id, beside.moment(found.created_at or found.created) or 0, kept)
    keepsake.keep(Keepsake(keepsake.metered(found.id)))


def _lines(name: str, response: Any, facts: Facts, content: Any) -> None:
    """A file or a stream of results was asked for."""
    results = Results(facts, name)
    if content is None:
        attach(response, results)
    else:
        reader = ResultLines(results)
        reader.feed(content)
        reader.finish()


READERS: dict[str, Callable[[str, Any, Facts, Any], None]] = {
    "created": _created,
    "started": _started,
    "batch": _batch,
    "settled": _settled,
    "lines": _lines,
}


STREAMED = ("started", "settled", "lines")
"""What may be read as it comes."""


class Resumed(LiveCall):
    """A response that is made in the background, and whose events are read from somewhere on. It is told of once."""

    timed = False

    def __init__(self, facts: Facts, name: str, dialect: Dialect) -> None:
        kept = keepsake.recall(name) if name else None
        record = recorder.start()
        if kept is not None:
            record.tags = kept.tags
        super().__init__(dialect, record, facts, None)
        self.is_known = kept is not None or dialect is not INTERACTIONS  # others can only be asked for if it was so
        self.name, self.passes, self.stream = name, 1, True

    def end(self, status: event.Status, error: BaseException | None = None) -> None:
        """Write the record if the end was reached, and nobody has."""
        name = keepsake.metered(self.name)
        if self.done or not self.is_known or not self.record.raw or keepsake.recall(name) is not None:
            self.done = True
            return
        super().end(status, error)
        keepsake.keep(Keepsake(name))


class Run(Resumed):
    """A run of an assistant whose events are read. It may go on after them: whoever sees its end tells of it."""

    timed = True
    made = 0

    def __init__(self, facts: Facts, name: str) -> None:
        super().__init__(facts, name, RUNS)

    def take(self, answer: Any, usage: Any = None) -> bool:
        """Read what an event says of the run; note when it was made, which is part of its id."""
        self.made = beside.moment(reading.look(answer, "created_at")) or self.made
        return super().take(answer, usage)

    def end(self, status: event.Status, error: BaseException | None = None) -> None:
        """Write the record if the run has ended; else remember whose it is."""
        self.name = self.name or self.record.response_id or ""
        if not self.done and self.name:
            self.record.id = beside.id_of(self.facts.provider, self.name, self.made)
            keepsake.keep(Keepsake(self.name, self.record.tags))
        super().end(status, error)


class Results(LiveCall):
    """Results of a batch as they are read. It is no call itself: each line is one."""

    def __init__(self, facts: Facts, name: str, batch: Keepsake | None = None) -> None:
        super().__init__(MESSAGES, event.Call(event.SCHEMA, "", 0), facts, None)
        self.name = name
        self.batch = batch
        """What is known of the batch, but for its tags."""
        self.kept: Keepsake | None = None
        self.lines = 0

    def own_collector(self, call: Any, content_type: str) -> Collector:
        """Return what reads the lines."""
        return ResultLines(call, content_type)

    def end(self, status: event.Status, error: BaseException | None = None) -> None:  # noqa: ARG002
        """Nothing is written: the lines have been."""
        self.done = True

    def take_line(self, data: bytes) -> None:
        """Record one result, unless it was an error."""
        if not self.lines:
            self.kept = keepsake.recall(self.name)
            self.batch = self.batch or self.kept or Keepsake(self.name)
        self.lines += 1
        try:
            line = beside.decode_line(data)
            found = beside.answer_in(line, self.facts.provider, self.batch.endpoint if self.batch else None)
            if found is not None:
                self._put(line, *found)
        except UNREADABLE:
            guard.note("batch.line")

    def _put(self, line: beside.Line, dialect: Dialect | None, body: bytes) -> None:
        if dialect is None:
            guard.note("batch.line")
            return
        head = beside.decode_head(body)
        name = line.id or head.id or head.response_id or f"{self.name} {line.custom_id or line.key or self.lines}"
        put(
            dialect,
            body,
            self.facts,
            name,
            beside.moment(head.created or head.created_at) or 0,
            self.kept,
            BATCH,
            self.batch,
        )


class ResultLines(Lines):
    """Reads a body of which each line is a result."""

    def __init__(self, call: Results, _: str = "") -> None:
        super().__init__(call)
        self._results = call
        self.is_ours: bool | None = None
        """Whether these are results of a batch. None: nothing has been read."""

    def feed(self, data: bytes) -> None:
        """Read what these bytes complete, unless they are of another kind: of those nothing is kept."""
        if self.is_ours is None:
            self._judge(self._buffer + data)
        if self.is_ours is not False:
            super().feed(data)

    def _judge(self, head: bytes) -> None:
        if len(head) >= beside.NEAR or b"\n" in head:
            self.is_ours = head[:1] == b"{" and any(mark in head[: beside.NEAR] for mark in beside.RESULTS)

    def _lines(self, data: bytes) -> None:
        if self.is_ours is None:  # it is over, and was shorter than a line
            self._judge(data)
        for line in data.split(b"\n") if self.is_ours else ():
            if line.strip():
                self._results.take_line(line)

    def _cut(self) -> None:
        """Keep the whole line, however long: its end is where the usage is."""


def put(
    dialect: Dialect,
    body: bytes,
    facts: Facts,
    name: str,
    ts: int,
    kept: Keepsake | None,
    processing: str = "",
    batch: Keepsake | None = None,
) -> None:
    """Record an answer that was made earlier. Its id is made of what it says itself: not every reader knows the batch."""
    made = ts or (batch.created if batch is not None else None) or event.now_us()
    record = event.Call(event.SCHEMA, beside.id_of(facts.provider, name, ts), made)
    record.tags = (kept.tags if kept is not None else dict(attribution.current())) or None
    call = LiveCall(dialect, record, facts, None)
    call.timed = False
    call.passes = 1
    call.take_body(body)
    record.response_model = record.response_model or (batch.model if batch is not None else None)
    record.request_model = record.response_model
    if processing:
        record.tier, record.context = processing, {"processing": processing}
    call.end("ok")
