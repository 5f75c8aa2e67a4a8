"""What answers and their events state, and what they leave unsaid: nothing is taken for reported that was not."""

from __future__ import annotations

import importlib
import signal
import sys
from contextlib import suppress
from typing import Any

import pytest

from meter import guard
from meter.home import Home
from meter.simulator import Simulator
from meter.simulator.wire import frame
from tests.instrument.sdks import ANTHROPIC, CHAT, CLAUDE, OPENAI, SDKS, Line, Sdk, classes, elsewhere, method, only

SSE = {"content-type": "text/event-stream"}
SDK = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
ERROR = {"code": None, "type": "server_error", "message": "a text that may quote the prompt"}
START = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test-1", "content": []}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "four"}}


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [{"index": index, "delta": delta, "finish_reason": finish}], **more}


def chat(*chunks: dict[str, Any], **more: Any) -> Any:
    """Return a stream of chat chunks, unread."""
    body = b"".join(map(frame, chunks)) + b"data: [DONE]\n\n"
    return elsewhere(OPENAI, body, SSE).chat.completions.create(**CHAT, stream=True, **more)


def messages(start: dict[str, Any], *ends: dict[str, Any]) -> Any:
    """Return a stream of a message, unread."""
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**START, "usage": start}}, TEXT, *ends]
    body = b"".join(frame(event, event["type"]) for event in events)
    return elsewhere(ANTHROPIC, body, SSE).messages.create(**CLAUDE, stream=True)


def price_of(home: Home) -> tuple[Any, ...]:
    """Return the price status and usage of the one call, as the ledger has them."""
    pytest.importorskip("duckdb")
    from meter.ledger import ingest, open_ledger

    ledger = open_ledger(home)
    ingest(ledger)
    with ledger.reading() as connection:
        row = connection.execute("SELECT price_status, input_tokens, output_tokens, list_cost FROM calls").fetchone()
    assert row is not None
    return tuple(row)


LAST: dict[str, Any] = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}}


@pytest.mark.parametrize("last", [LAST, {**LAST, "usage": None}, {**LAST, "usage": {}}], ids=["none", "null", "empty"])
def test_a_placeholder_is_no_output_even_at_the_regular_end(last: dict[str, Any], metered: Home) -> None:
    list(messages({"input_tokens": 11, "output_tokens": 1}, last, {"type": "message_stop"}))
    line = only(metered)
    assert (line["status"], line["source"], line["usage"]) == ("ok", "partial", {"input": 11})
    assert line["seen_chars"] == 4


def test_nested_counts_of_a_stream_are_merged_field_by_field(metered: Home) -> None:
    start = {
        "input_tokens": 10,
        "output_tokens": 1,
        "cache_creation_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 2},
    }
    nulls = {"ephemeral_5m_input_tokens": None, "ephemeral_1h_input_tokens": None}
    delta = {"output_tokens": 5, "cache_creation": nulls, "server_tool_use": {"web_search_requests": 1}}
    list(messages(start, {**LAST, "usage": delta}))
    expected = {"input": 10, "output": 5, "cache_write_5m": 60, "cache_write_1h": 40, "web_searches": 1}
    assert classes(only(metered)) == {**expected, "web_fetches": 2}


def failed(**body: Any) -> None:
    elsewhere(OPENAI, {"id": "c", "choices": [], **body}).chat.completions.create(**CHAT)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ({**ERROR, "code": 502}, "502"),
        (ERROR, "server_error"),
        ({"message": "a text"}, "error"),
        ("a text", "error"),
    ],
)
def test_an_error_with_status_200_is_an_error(error: Any, name: str, metered: Home) -> None:
    failed(error=error)
    line = only(metered)
    assert (line["status"], line["error"], line["source"], line["billed"]) == ("error", name, "missing", True)
    assert "usage" not in line and "text" not in str(line)


def test_it_is_never_priced_by_an_estimate(metered: Home) -> None:
    failed(error=ERROR, model="gpt-4o-mini")
    assert price_of(metered) == ("no_usage", None, None, None)


def test_no_error_is_stated_by_null(metered: Home) -> None:
    failed(error=None, usage=USAGE)
    line = only(metered)
    assert (line["status"], line["source"]) == ("ok", "reported")


def test_an_error_with_usage_is_both(metered: Home) -> None:
    failed(error=ERROR, usage=USAGE)
    line = only(metered)
    assert (line["status"], line["source"]) == ("error", "reported")
    assert classes(line) == {"input": 10, "output": 5}


def respond(**body: Any) -> Line:
    """Have a response made, and return what it asked for."""
    ask = {"model": "gpt-4o-mini", "input": "hello " * 100}
    answer = {"id": "resp_1", "object": "response", "model": "gpt-4o-mini", "output": [], "usage": None, **body}
    method(elsewhere(OPENAI, answer), "responses.create")(**ask, background=body["status"] == "queued")
    return ask


def test_a_response_that_failed_is_an_error(metered: Home) -> None:
    respond(status="failed", error={"code": "server_error", "message": "it failed"})
    line = only(metered)
    assert (line["status"], line["error"], line["source"]) == ("error", "server_error", "missing")


def test_a_background_response_is_never_priced_by_its_input_alone(metered: Home) -> None:
    respond(status="queued", error=None)
    line = only(metered)
    assert (line["status"], line["source"]) == ("ok", "missing")
    assert not {"usage", "sent_chars", "seen_chars"} & set(line)
    assert line["billed"] is False  # this reply is not; the answer is, when it is fetched
    assert price_of(metered) == ("no_usage", None, None, None)


@SDK
def test_a_plain_answer_to_the_wish_for_a_stream_is_read(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    usage = USAGE if sdk is OPENAI else {"input_tokens": 10, "output_tokens": 5}
    client = elsewhere(sdk, {"id": "c", "model": "m-1", "usage": usage})
    assert list(sdk.of(client).create(**sdk.arguments, stream=True)) == []
    line = only(metered)
    assert (line["status"], line["source"], line["response_model"]) == ("ok", "reported", "m-1")
    assert classes(line) == {"input": 10, "output": 5}


def test_so_is_an_error_in_its_place(metered: Home) -> None:
    with suppress(Exception):
        list(elsewhere(OPENAI, {"error": ERROR}).chat.completions.create(**CHAT, stream=True))
    assert (only(metered)["status"], only(metered)["error"]) == ("error", "server_error")


def test_a_stream_that_calls_itself_json_is_read_as_the_stream_it_is(metered: Home) -> None:
    body = frame(chunk({"content": "four"})) + frame(chunk({}, "stop", usage=USAGE)) + b"data: [DONE]\n\n"
    assert len(list(elsewhere(OPENAI, body).chat.completions.create(**CHAT, stream=True))) == 2
    assert classes(only(metered)) == {"input": 10, "output": 5}
    assert guard.failures == {}


DELTAS: dict[str, tuple[dict[str, Any], int]] = {
    "legacy functions": ({"function_call": {"name": "f", "arguments": "fourfour"}}, 8),
    "content beside reasoning": ({"content": "abc", "reasoning_content": "0123456789"}, 13),
    "content beside a tool": ({"content": "abc", "tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}, 5),
    "what speech says": ({"audio": {"transcript": "0123456789", "data": "AAAA"}}, 10),
    "a role beside content": ({"role": "assistant", "content": "abc"}, 3),
    "nulls beside content": ({"content": "abc", "refusal": None, "reasoning_content": None}, 3),
}


@pytest.mark.parametrize("as_bytes", [False, True], ids=["events", "bytes"])
@pytest.mark.parametrize("kind", DELTAS)
def test_every_text_of_a_chunk_is_counted(kind: str, as_bytes: bool, metered: Home) -> None:
    delta, count = DELTAS[kind]
    body = (frame(chunk({"content": "four"})) + frame(chunk(delta))) * 2 + b"data: [DONE]\n\n"
    resource = elsewhere(OPENAI, body, SSE).chat.completions
    if as_bytes:
        with resource.with_streaming_response.create(**CHAT, stream=True) as answer:
            list(answer.iter_lines())
    else:
        list(resource.create(**CHAT, stream=True))
    assert only(metered)["seen_chars"] == 2 * (4 + count)


def test_running_usage_at_the_regular_end_is_reported(metered: Home) -> None:
    list(chat(chunk({"content": "a"}, usage={**USAGE, "completion_tokens": 1}), chunk({"content": "b"}, usage=USAGE)))
    line = only(metered)
    assert (line["status"], line["source"]) == ("ok", "reported")
    assert classes(line) == {"input": 10, "output": 5}


@pytest.mark.parametrize(("answers", "source"), [(1, "reported"), (2, "partial")])
def test_running_usage_is_whole_when_every_answer_is(answers: int, source: str, metered: Home) -> None:
    chunks = chunk({"content": "a"}, usage=USAGE), chunk({}, "stop", usage=USAGE), chunk({"content": "b"}, index=1)
    with chat(*chunks, n=answers) as stream:
        next(stream), next(stream)
    assert only(metered)["source"] == source


def test_what_was_read_from_a_cache_never_lies_beside_its_total(metered: Home) -> None:
    """The total exceeds the sum by the reasoning; as many tokens were read from a cache."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 180,
        "prompt_tokens_details": {"cached_tokens": 30},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    failed(usage=usage)
    assert classes(only(metered)) == {"input": 70, "cache_read": 30, "output": 50, "reasoning": 30}


class TimeIsUp(Exception):
    """What a worker's soft time limit raises, wherever the program happens to be."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer")
@SDK
def test_a_time_limit_in_flight_may_be_billed(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    def over(*_: Any) -> None:
        raise TimeIsUp

    sim.fault = "stall"
    before = signal.signal(signal.SIGALRM, over)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with sdk.sync(sim.url) as client, pytest.raises(Exception, match=r"^$|Connection error"):
            sdk.of(client).create(**sdk.arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    line = only(metered)
    assert (line["status"], line["source"], line["billed"]) == ("error", "missing", True)
    assert line["sent_chars"] == len("hello there")


@SDK
def test_a_hook_that_raises_over_the_answer_may_be_billed(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    def hook(_: Any) -> None:
        raise RuntimeError("a hook's")

    http = importlib.import_module("httpx2" if "httpx2" in sys.modules else "httpx")
    hooked = http.Client(event_hooks={"response": [hook]})
    with sdk.sync(sim.url, http_client=hooked) as client, pytest.raises(Exception, match=r"a hook's|Connection error"):
        sdk.of(client).create(**sdk.arguments)
    assert only(metered)["billed"] is True
