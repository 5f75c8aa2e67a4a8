"""Bodies that the caller reads as bytes: whatever their size and line ends, the call says what the SDK's own reading would."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

import pytest

from meter import guard
from meter.home import Home
from tests.conftest import lines_of
from tests.instrument.sdks import ANTHROPIC, CHAT, CLAUDE, OPENAI, Line, elsewhere, method, only

USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "gpt-5-x",
    "output": [{"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "A" * 1_500_000}],
    "service_tier": "flex",
    "tool_usage": {"web_search": {"num_requests": 3}},
    "tools": [],
    "usage": {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 15,
        "cost": 0.0001489500000000000012,
    },
}
ASK: dict[str, Any] = {"model": "gpt-5", "input": "hello there"}


def chat_events(usage: dict[str, Any] | None = USAGE) -> bytes:
    base = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    texts = [{"index": 0, "delta": {"content": "Hé"}, "finish_reason": None}]
    events = ({**base, "choices": texts}, {**base, "choices": [], "usage": usage})
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + b"data: [DONE]\n\n"


def read(body: bytes, sdk: Any = OPENAI, path: str = "chat.completions", step: int = 16_384, **ask: Any) -> None:
    """Have a body read as bytes that come in pieces."""
    http = importlib.import_module("httpx2" if "httpx2" in sys.modules else "httpx")
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    kind = "text/event-stream" if ask.get("stream") else "application/json"
    transport = http.MockTransport(lambda _: http.Response(200, headers={"content-type": kind}, content=iter(pieces)))
    client = sdk.client(api_key="k", max_retries=0, http_client=http.Client(transport=transport))
    with method(client, path).with_streaming_response.create(**ask) as answer:
        assert b"".join(answer.iter_bytes()) == body


def completed(response: dict[str, Any]) -> bytes:
    event = {"type": "response.completed", "sequence_number": 1, "response": response}
    return b"event: response.completed\ndata: " + json.dumps(event).encode() + b"\n\n"


def check_response(line: Line) -> None:
    assert line["usage"] == {"cache_read": 4, "input": 6, "reasoning": 2, "output": 3, "web_searches": 3}
    assert (line["response_id"], line["response_model"], line["tier"]) == ("resp_1", "gpt-5-x", "flex")
    assert (line["source"], line["status"]) == ("reported", "ok")
    assert guard.failures == {}


@pytest.mark.parametrize("step", [1000, 16_384, 10**7])
def test_an_event_of_more_than_a_megabyte(metered: Home, step: int) -> None:
    created = {"type": "response.created", "response": {**RESPONSE, "output": [], "usage": None, "tool_usage": None}}
    begun = b"data: " + json.dumps(created).encode() + b"\n\n"
    read(begun + completed(RESPONSE), path="responses", step=step, stream=True, **ASK)
    check_response(only(metered))


def test_a_long_event_keeps_the_digits_of_a_number_with_a_point(metered: Home) -> None:
    body = completed(RESPONSE).replace(b"0.00014895", b"0.000148950000000000000000012")
    read(body, path="responses", stream=True, **ASK)
    assert b"0.000148950000000000000000012" in lines_of(metered)[-1]


def test_a_long_event_that_states_nothing_is_an_event(metered: Home) -> None:
    image = {"type": "response.image_generation_call.partial_image", "partial_image_b64": "A" * 1_500_000}
    body = b"data: " + json.dumps(image).encode() + b"\n\n"
    read(body + completed({**RESPONSE, "output": []}), path="responses", stream=True, **ASK)
    line = only(metered)
    check_response(line)
    assert line["chunks"] == 2


def test_a_long_message_event(metered: Home) -> None:
    usage = {"input_tokens": 5, "output_tokens": 2}
    start = {"type": "message_start", "message": {"id": "msg_1", "model": "claude-1", "content": [], "usage": usage}}
    stop = {"type": "message_delta", "delta": {"stop_reason": "end", "x": "A" * 1_500_000}, "usage": usage}
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in (start, stop))
    read(body, ANTHROPIC, "messages", stream=True, **CLAUDE)
    line = only(metered)
    assert (line["usage"], line["response_id"], line["source"]) == ({"input": 5, "output": 2}, "msg_1", "reported")


def test_a_long_body_says_its_tier_and_its_fees(metered: Home) -> None:
    read(json.dumps(RESPONSE).encode(), path="responses", **ASK)
    check_response(only(metered))


def test_a_name_cut_in_two_is_no_fault(metered: Home) -> None:
    first = {"usage": {"padding": "B" * 50_000}, **{key: value for key, value in RESPONSE.items() if key != "usage"}}
    read(json.dumps({**first, "id": "resp_1", "usage2": 1}).encode(), path="responses", **ASK)
    assert (only(metered)["source"], guard.failures) == ("missing", {})


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_lines_may_end_in_any_way(metered: Home, end: bytes, step: int) -> None:
    read(chat_events().replace(b"\n", end), step=step, stream=True, **CHAT)
    line = only(metered)
    assert (line["usage"], line["chunks"], line["source"]) == ({"input": 10, "output": 5}, 2, "reported")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("step", [1, 10**6])
def test_an_event_may_have_several_lines(metered: Home, end: bytes, step: int) -> None:
    body = chat_events().replace(b', "usage"', b',\ndata: "usage"').replace(b"\n", end)
    read(body, step=step, stream=True, **CHAT)
    line = only(metered)
    assert (line["usage"], line["chunks"]) == ({"input": 10, "output": 5}, 2)


def test_the_last_event_may_lack_its_blank_line(metered: Home) -> None:
    body = chat_events().replace(b', "usage"', b',\ndata: "usage"').partition(b"\n\ndata: [DONE]")[0]
    read(body, stream=True, **CHAT)
    assert only(metered)["usage"] == {"input": 10, "output": 5}


def test_an_event_of_endless_lines_is_let_go_of(metered: Home) -> None:
    read(
        b"data: {\n" + b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n" * 60_000 + b"\n" + chat_events(),
        stream=True,
        **CHAT,
    )
    assert only(metered)["usage"] == {"input": 10, "output": 5}


@pytest.mark.parametrize("indent", [None, 1])
def test_a_long_answer_says_its_model_before_its_list_or_behind(metered: Home, indent: int | None) -> None:
    vectors = [{"object": "embedding", "index": index, "embedding": [0.1] * 100} for index in range(100)]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    body = {"id": "embd-1", "object": "list", "model": "e-1", "data": vectors, "usage": usage}
    client = elsewhere(OPENAI, json.dumps(body, indent=indent).encode())
    client.embeddings.create(model="alias", input="x", encoding_format="float")
    line = only(metered)
    assert (line["response_model"], line["response_id"], line["raw"]) == ("e-1", "embd-1", usage)


def test_what_stands_before_the_list_may_be_anything(metered: Home) -> None:
    vectors = [{"object": "embedding", "index": 0, "embedding": [0.1] * 10_000}]
    body = {"meta": {"parts": [1]}, "data": vectors, "usage": {"prompt_tokens": 8, "total_tokens": 8}}
    elsewhere(OPENAI, body).embeddings.create(model="alias", input="x", encoding_format="float")
    line = only(metered)
    assert (line["usage"]["input"], line.get("response_model")) == (8, None)
    assert guard.failures == {}


def test_a_long_line_that_is_no_event_is_skipped(metered: Home) -> None:
    read(b": " + b"x" * 1_500_000 + b"\n" + chat_events(), stream=True, **CHAT)
    line = only(metered)
    assert (line["usage"], line["chunks"]) == ({"input": 10, "output": 5}, 2)
