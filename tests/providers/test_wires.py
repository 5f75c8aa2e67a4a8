"""Every wire, read from bytes alone: what an exchange of the corpus states is what its bytes are found to say.

No SDK is involved, so that the reading is shown for all of the corpus, whoever sent the request.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from meter import recorder
from meter.home import Home
from meter.instrument.facts import Facts
from meter.instrument.lines import collector, is_stream
from meter.instrument.live import LiveCall
from meter.providers import hosts, wires
from tests.providers import corpus
from tests.providers.test_conformance import check, read

pytestmark = [pytest.mark.corpus, pytest.mark.xdist_group("corpus")]


def speaker(record: corpus.Record) -> str:
    """Return the provider whose wires an exchange speaks: by its address, else as the corpus says."""
    provider, _ = hosts.find(record["host"].partition(":")[0], None, "openai")
    return BY_WIRE.get(record["wire"].partition(".")[0], provider)


BY_WIRE = {
    "gemini": "gcp.gemini",
    "cohere": "cohere",
    "bedrock": "aws.bedrock",
    "ollama": "ollama",
    "voyage": "voyage",
    "watsonx": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
}


CONTENT_TYPES = {
    "sse": "text/event-stream",
    "ndjson": "application/x-ndjson",
    "eventstream": "application/vnd.amazon.eventstream",
}
"""For exchanges that were recorded without headers."""

BEHIND = "longer than what is kept, and written anew by the recorder with the id behind the content"

DIFFERENT = {
    "pydai-1a8e868a08": BEHIND,
    "pydai-5a5a324303": BEHIND,
    "ollmy-22338e39d5": "the headers state the cache's counts, which the body leaves out",
    "ollmyjs-2a41b47193": "the corpus looks for no id in binary frames",
    "pydai-c044a49253": "the last chunk leaves out what an earlier one stated: field by field, the last that is stated holds",
    "bt-cfd6dca8a2": "the answer names the model, and the corpus looks for it only where there is usage",
    "pydai-034eda8bdc": "usage and the end of the stream were stated; only the reason to finish is missing",
}
"""Exchanges that do not agree, each with its reason."""


NOT_READ = {
    "cohere.v2_audio_transcriptions": "states no usage",
    "gemini.predict_long_running": "states no usage",
    "huggingface.text_generation": "an endpoint of one's own under its bare address: any path may be a call",
    "replicate.predictions": "states no usage: the prediction is made later",
    "sagemaker.invocations": "an endpoint of one's own, without usage",
    "vertex.generate_content": "one exchange that was recorded without its path",
    "xai.audio_speech": "states no usage",
    "xai.audio_transcriptions": "states no usage",
}
"""Requests that no wire knows, each with its reason."""


def bytes_of(record: corpus.Record) -> bytes:
    body = record["response_body"] or ""
    return base64.b64decode(body) if record["response_body_encoding"] == "base64" else body.encode()


def feed(record: corpus.Record, dialect: Any, size: int) -> None:
    """Read one exchange as if it passed, in pieces of some size."""
    body = record["request_body"] if isinstance(record["request_body"], dict) else {}
    call = LiveCall(dialect, recorder.start(), Facts(speaker(record), record["host"]), body)
    model = wires.model_in(dialect, record["path"]) or body.get(dialect.model) or record["model_requested"]
    call.record.request_model = model
    call.record.tags = {"exchange": record["id"]}
    content_type = record["response_headers"].get("content-type") or CONTENT_TYPES.get(record["response_kind"], "")
    call.stream = bool(record["streaming"]) or is_stream(content_type)
    if record["status"] >= 400:
        call.end("error")
        return
    call.passes = 1
    reader = collector(call, content_type)
    data = bytes_of(record)
    for at in range(0, len(data), size):
        reader.feed(data[at : at + size])
    reader.finish()
    call.take_headers(record["response_headers"])
    call.exhausted() if call.stream else call.end("ok")


@pytest.mark.parametrize("size", [1 << 30, 977])
def test_every_wire_is_read_from_its_bytes(home: Home, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    every = corpus.replay().load(str(corpus.path()), lambda record: record["call_kind"] == "inference")
    calls, unread = [], []
    for record in every:
        dialect = wires.find(speaker(record), record["method"], record["path"])
        if dialect is None:
            unread.append(record["api"])
        else:
            feed(record, dialect, size)
            calls.append(record)
    assert {name for name in unread if name not in NOT_READ} == set()
    check(calls, read(home), capsys, DIFFERENT)
