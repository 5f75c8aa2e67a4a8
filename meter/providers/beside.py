"""Requests that are no calls and tell of some: batches and their results, and responses that were made in the background.

What they tell may be asked for again and again, in any process, so a call that is read from them has an id made of the provider's
own: the ledger takes it once.
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import Any

import msgspec

from meter.event import LAST_TS
from meter.providers.chat import CHAT, COMPLETIONS, EMBEDDINGS
from meter.providers.messages import MESSAGES
from meter.providers.model import Beside, Count, Dialect
from meter.providers.responses import RESPONSES

OPENAI = (
    Beside("POST", r"/batches$", "created"),
    Beside("GET", r"/batches/[^/]+$", "batch"),
    Beside("POST", r"/batches/[^/]+/cancel$", "batch"),
    Beside("GET", r"/files/([^/]+)/content$", "openai_lines"),
    Beside("POST", r"/threads/(?:[^/]+/)?runs$", "started"),
    Beside("GET", r"/threads/[^/]+/runs/([^/]+)$", "settled"),
    Beside("GET", r"/responses/([^/]+)$", "settled"),
)

ANTHROPIC = (
    Beside("POST", r"/messages/batches$", "created"),
    Beside("GET", r"/messages/batches/([^/]+)/results$", "anthropic_lines"),
)

RESULTS = (b'{"id": "batch_req_', b'{"id":"batch_req_', b'{"custom_id":', b'{"custom_id" :')
"""How the results of a batch begin, OpenAI's and Anthropic's; any other file is none of ours."""


@functools.lru_cache(1024)
def find(method: str, path: str, known: tuple[Beside, ...]) -> tuple[Beside, str] | None:
    """Return which kind of request this is, and what it names."""
    whole = "/" + path.partition("?")[0].strip("/")
    for beside in known:
        if beside.method == method.upper() and (match := re.search(beside.path, whole)):
            return beside, match[1] if match.re.groups else ""
    return None


class Batch(msgspec.Struct):
    """A batch, as far as it matters."""

    id: str | None = None
    created_at: Any = None
    output_file_id: str | None = None
    error_file_id: str | None = None


class Settled(msgspec.Struct):
    """A response or a run that was made in the background; the usage comes when it has ended."""

    id: str | None = None
    object: str | None = None
    background: bool | None = None
    created_at: float | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def is_told(self) -> bool:
        """Whether this is the end of something that said nothing when it was begun."""
        return bool(self.id) and bytes(self.usage) != b"null" and (self.background is True or self.object == RUN)


RUN = "thread.run"


class Reply(msgspec.Struct):
    """The answer inside a line of OpenAI's."""

    status_code: int | None = None
    body: msgspec.Raw = msgspec.Raw()


class Result(msgspec.Struct):
    """The answer inside a line of Anthropic's."""

    type: str | None = None
    message: msgspec.Raw = msgspec.Raw()


class Line(msgspec.Struct):
    """One result of a batch, in either's words."""

    id: str | None = None
    custom_id: str | None = None
    response: Reply | None = None
    result: Result | None = None


class Head(msgspec.Struct):
    """What an answer is, and when it was made."""

    id: str | None = None
    object: str | None = None
    created: float | None = None
    created_at: float | None = None


OBJECTS: dict[str | None, Dialect] = {
    "chat.completion": CHAT,
    "text_completion": COMPLETIONS,
    "response": RESPONSES,
    "list": EMBEDDINGS,
}

RUNS = Dialect(
    api="openai.runs",
    operation="chat",
    paths=(),
    counts=(
        Count("prompt_tokens", "input", {"cache_read": ("prompt_token_details.cached_tokens",)}),
        Count("completion_tokens", "output", {"reasoning": ("completion_tokens_details.reasoning_tokens",)}),
    ),
    total="total_tokens",
)
"""Runs of an assistant state their usage in the words of chat, but for a letter."""

decode_batch = msgspec.json.Decoder(Batch).decode
decode_settled = msgspec.json.Decoder(Settled).decode
decode_line = msgspec.json.Decoder(Line).decode
decode_head = msgspec.json.Decoder(Head).decode


def answer_in(line: Line) -> tuple[Dialect, bytes] | None:
    """Return the answer in a line and its wire; None for an error, which is not billed, and for what nobody knows."""
    if line.result is not None:
        return (MESSAGES, bytes(line.result.message)) if line.result.type == "succeeded" else None
    reply = line.response
    if reply is None or reply.status_code is None or not 200 <= reply.status_code < 300:
        return None
    body = bytes(reply.body)
    dialect = OBJECTS.get(decode_head(body).object)
    return None if dialect is None else (dialect, body)


def id_of(provider: str, name: str, ts_us: int) -> str:
    """Return the id of a call that a provider names: the same whenever and wherever it is read."""
    digest = hashlib.sha256(f"{provider} {name}".encode()).hexdigest()
    return f"{ts_us // 1000:012x}{digest[:20]}"


def moment(seconds: float | None) -> int | None:
    """Return a time of a provider's in microseconds since the epoch, None where there is none."""
    if not isinstance(seconds, int | float):
        return None
    found = int(seconds * 1_000_000)
    return found if 0 < found < LAST_TS else None
