"""Requests that are no calls and tell of some: batches and their results, and responses that were made in the background.

What they tell may be asked for again and again, in any process, so a call that is read from them has an id made of the provider's
own: the ledger takes it once.
"""

from __future__ import annotations

import functools
import hashlib
import re
from datetime import datetime
from typing import Any

import msgspec

from meter.event import LAST_TS
from meter.providers import wires
from meter.providers.chat import CHAT, COMPLETIONS, EMBEDDINGS
from meter.providers.gemini import BATCH_EMBED, GENERATE
from meter.providers.interactions import INTERACTIONS
from meter.providers.messages import MESSAGES
from meter.providers.model import Beside, Dialect
from meter.providers.responses import RESPONSES
from meter.providers.runs import RUN, RUNS

OPENAI = (
    Beside("POST", r"/batches$", "created"),
    Beside("GET", r"/batches/[^/]+$", "batch"),
    Beside("POST", r"/batches/[^/]+/cancel$", "batch"),
    Beside("GET", r"/files/([^/]+)/content$", "lines"),
    Beside("POST", r"/threads/(?:[^/]+/)?runs$", "started"),
    Beside("POST", r"/threads/[^/]+/runs/([^/]+)/submit_tool_outputs$", "started"),
    Beside("GET", r"/threads/[^/]+/runs/([^/]+)$", "settled"),
    Beside("POST", r"/threads/[^/]+/runs/([^/]+)/cancel$", "settled"),
    Beside("GET", r"/responses/([^/]+)$", "settled"),
)

ANTHROPIC = (
    Beside("POST", r"/messages/batches$", "created"),
    Beside("GET", r"/messages/batches/([^/]+)/results$", "lines"),
)

MISTRAL = (
    Beside("POST", r"/batch/jobs$", "created"),
    Beside("GET", r"/batch/jobs/[^/]+$", "batch"),
    Beside("POST", r"/batch/jobs/[^/]+/cancel$", "batch"),
    Beside("GET", r"/files/([^/]+)/content$", "lines"),
)

GOOGLE = (
    Beside("POST", r":(?:batchGenerateContent|asyncBatchEmbedContent)$", "created"),
    Beside("GET", r"/batches/[^/]+$", "batch"),
    Beside("GET", r"/files/([^/:]+):download$", "lines"),
    Beside("GET", r"/interactions/([^/]+)$", "settled"),
    Beside("POST", r"/interactions/([^/]+)/cancel$", "settled"),
)
"""Of the Gemini API. What Vertex AI makes in a batch lies in a bucket or a table, where this SDK does not read it."""

RESULTS = (b'"custom_id"', b'{"key"', b'{"response"', b'{"metadata"')
"""What the first line of a batch's results has near its beginning; a file without is none of ours."""

NEAR = 512


@functools.lru_cache(1024)
def find(method: str, path: str, known: tuple[Beside, ...]) -> tuple[Beside, str] | None:
    """Return which kind of request this is, and what it names."""
    whole = "/" + path.partition("?")[0].strip("/")
    for beside in known:
        if beside.method == method.upper() and (match := re.search(beside.path, whole)):
            return beside, match[1] if match.re.groups else ""
    return None


class Inlined(msgspec.Struct, rename="camel"):
    """Results that come with the batch."""

    inlined_responses: list[msgspec.Raw] = []


class Output(msgspec.Struct, rename="camel"):
    """Where Google puts what has come of a batch."""

    responses_file: str | None = None
    inlined_responses: Inlined | None = None


class Told(msgspec.Struct, rename="camel"):
    """What Google says of a batch under way, or over."""

    model: str | None = None
    create_time: str | None = None
    output: Output | None = None


class Batch(msgspec.Struct):
    """A batch, as far as it matters, in any vendor's words."""

    id: str | None = None
    created_at: Any = None
    endpoint: str | None = None
    """The path that its requests would have been sent to one by one."""
    model: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    output_file: str | None = None
    error_file: str | None = None
    outputs: list[msgspec.Raw] | None = None
    job: Batch | None = None
    """Together's reply to the request for one has it in here."""


class Operation(msgspec.Struct):
    """A batch in Google's words."""

    name: str | None = None
    metadata: Told | None = None

    @property
    def batch(self) -> Batch:
        """The same in the others' words."""
        told = self.metadata or Told()
        made = told.output or Output()
        return Batch(
            self.name,
            told.create_time,
            model=(told.model or "").rpartition("/")[2] or None,
            output_file_id=made.responses_file,
            outputs=made.inlined_responses.inlined_responses if made.inlined_responses else None,
        )


class Settled(msgspec.Struct):
    """A response, a run or an interaction that was made in the background; the usage comes when it has ended."""

    id: str | None = None
    object: str | None = None
    status: str | None = None
    background: bool | None = None
    created_at: float | None = None
    created: Any = None
    usage: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end, and says what it took."""
        return bool(self.id) and bytes(self.usage) != b"null" and self.status not in UNDER_WAY

    @property
    def tells_its_kind(self) -> bool:
        """Whether it says itself that it was no answer to the one who asked for it; others must be remembered."""
        return self.background is True or self.object == RUN


UNDER_WAY = ("queued", "in_progress", "cancelling")


class Reply(msgspec.Struct):
    """The answer inside a line of OpenAI's, or the mark of one of Google's, which is the answer itself."""

    status_code: int | None = None
    body: msgspec.Raw = msgspec.Raw()
    embedding: msgspec.Raw = msgspec.Raw()


class Result(msgspec.Struct):
    """The answer inside a line of Anthropic's."""

    type: str | None = None
    message: msgspec.Raw = msgspec.Raw()


class Line(msgspec.Struct):
    """One result of a batch, in any vendor's words."""

    id: str | None = None
    custom_id: str | None = None
    key: str | None = None
    response: msgspec.Raw = msgspec.Raw(b"null")
    result: Result | None = None


class Head(msgspec.Struct):
    """What an answer is, and when it was made."""

    id: str | None = None
    response_id: str | None = msgspec.field(default=None, name="responseId")
    object: str | None = None
    created: float | None = None
    created_at: float | None = None


GOOGLES = ("gcp.gemini", "gcp.vertex_ai")

OBJECTS: dict[str | None, Dialect] = {
    "chat.completion": CHAT,
    "text_completion": COMPLETIONS,
    "response": RESPONSES,
    "list": EMBEDDINGS,
}

decode_batch = msgspec.json.Decoder(Batch).decode
decode_operation = msgspec.json.Decoder(Operation).decode
decode_settled = msgspec.json.Decoder(Settled).decode
decode_line = msgspec.json.Decoder(Line).decode
decode_reply = msgspec.json.Decoder(Reply).decode
decode_head = msgspec.json.Decoder(Head).decode


def batch_in(provider: str, content: Any) -> Batch:
    """Return the batch that an answer tells of."""
    if provider in GOOGLES:
        return decode_operation(content).batch
    found = decode_batch(content)
    return found.job or found


def settled_wire(provider: str, kind: str | None = None) -> Dialect:
    """Return the wire of what is made in the background."""
    if provider in GOOGLES:
        return INTERACTIONS
    return RUNS if kind == RUN else RESPONSES


def answer_in(line: Line, provider: str, endpoint: str | None) -> tuple[Dialect | None, bytes] | None:
    """Return the answer in a line and its wire, if it is one that is known; None for an error, which is not billed."""
    if line.result is not None:
        return (MESSAGES, bytes(line.result.message)) if line.result.type == "succeeded" else None
    if (whole := bytes(line.response)) == b"null":
        return None
    reply = decode_reply(whole)
    body = bytes(reply.body)
    if not body and provider in GOOGLES:
        return BATCH_EMBED if bytes(reply.embedding) else GENERATE, whole
    if reply.status_code is None or not 200 <= reply.status_code < 300:
        return None
    dialect = wires.find(provider, "POST", endpoint) if endpoint else None
    return dialect or OBJECTS.get(decode_head(body).object), body


def id_of(provider: str, name: str, ts_us: int) -> str:
    """Return the id of a call that a provider names: the same whenever and wherever it is read."""
    digest = hashlib.sha256(f"{provider} {name}".encode()).hexdigest()
    return f"{ts_us // 1000:012x}{digest[:20]}"


def moment(stated: Any) -> int | None:
    """Return a time of a provider's, in seconds or as text, in microseconds since the epoch; None where there is none."""
    if isinstance(stated, str):
        try:
            stated = msgspec.convert(stated, datetime).timestamp()
        except msgspec.ValidationError:
            return None
    if not isinstance(stated, int | float):
        return None
    found = int(stated * 1_000_000)
    return found if 0 < found < LAST_TS else None
