"""Streams: numbers are merged, never summed, and every end is one record."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import suppress
from typing import Any

import pytest

from meter.home import Home
from meter.simulator import Simulator
from meter.simulator.wire import frame
from tests.instrument.sdks import (
    ANTHROPIC,
    ANTHROPIC_INPUT,
    CHAT,
    CLAUDE,
    OPENAI,
    SDKS,
    Sdk,
    calls,
    classes,
    elsewhere,
    method,
    only,
)

SDK = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
SSE = {"content-type": "text/event-stream"}
START: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-test-1",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
}


def messages(start: dict[str, Any], *deltas: dict[str, Any], stop: bool = True) -> bytes:
    """Return the stream of a message, from the usage its events state."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**START, "usage": start}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_stop", "index": 0},
        *(
            {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": d}
            for d in deltas
        ),
        *([{"type": "message_stop"}] if stop else []),
    ]
    return b"".join(frame(event, event["type"]) for event in events)


def read(body: bytes, sdk: Sdk = ANTHROPIC) -> None:
    client = elsewhere(sdk, body, SSE)
    for _ in sdk.of(client).create(**sdk.arguments, stream=True):
        pass


def test_a_delta_without_cache_fields_leaves_the_counts_of_the_start(metered: Home) -> None:
    start = {"input_tokens": 11, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 0, "output_tokens": 1}
    read(messages(start, {"output_tokens": 7}))
    assert classes(only(metered)) == {"input": 11, "cache_read": 3, "output": 7}


def test_nulls_of_a_delta_leave_the_counts_of_the_start(metered: Home) -> None:
    read(messages({"input_tokens": 11, "output_tokens": 1}, {"input_tokens": None, "output_tokens": 7}))
    assert classes(only(metered)) == {"input": 11, "output": 7}


def test_counts_are_cumulative_the_last_holds(metered: Home) -> None:
    read(
        messages(
            {"input_tokens": 11, "output_tokens": 1}, {"output_tokens": 5}, {"input_tokens": 40, "output_tokens": 9}
        )
    )
    assert classes(only(metered)) == {"input": 40, "output": 9}


def test_cache_writes_beyond_the_split_are_kept(metered: Home) -> None:
    start = {
        "input_tokens": 1,
        "cache_creation_input_tokens": 10,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
    }
    read(messages(start, {"cache_creation_input_tokens": 25, "output_tokens": 7}))
    assert classes(only(metered)) == {"input": 1, "cache_write_5m": 10, "cache_write": 15, "output": 7}


def test_a_stream_cut_by_the_server_is_aborted_and_its_placeholder_is_no_output(metered: Home) -> None:
    read(messages({"input_tokens": 11, "output_tokens": 1}, stop=False))
    line = only(metered)
    assert (line["status"], line["source"], line["billed"]) == ("aborted", "partial", True)
    assert line["usage"] == {"input": 11}
    assert line["raw"]["output_tokens"] == 1
    assert line["seen_chars"] == 2 and line["sent_chars"] == len("hello there")


def test_a_stream_closed_after_its_last_word_is_whole(metered: Home) -> None:
    client = elsewhere(ANTHROPIC, messages({"input_tokens": 11, "output_tokens": 1}, {"output_tokens": 7}), SSE)
    with client.messages.create(**CLAUDE, stream=True) as stream:
        for event in stream:
            if event.type == "message_delta":
                break
    line = only(metered)
    assert (line["status"], line["source"]) == ("ok", "reported")


def test_a_responses_stream_cut_by_the_server_is_aborted(metered: Home) -> None:
    response: dict[str, Any] = {"id": "resp_1", "model": "m-1", "status": "in_progress", "output": [], "usage": None}
    body = frame({"type": "response.created", "response": response, "sequence_number": 0}, "response.created")
    client = elsewhere(OPENAI, body, SSE)
    list(method(client, "responses.create")(model="m", input="hello", stream=True))
    line = only(metered)
    assert (line["status"], line["source"], line["response_id"]) == ("aborted", "missing", "resp_1")


def test_a_responses_stream_that_fails_is_an_error_with_its_usage(metered: Home) -> None:
    usage = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    error = {"code": "server_error", "message": "it failed"}
    response = {"id": "resp_1", "model": "m-1", "status": "failed", "output": [], "usage": usage, "error": error}
    body = frame({"type": "response.failed", "response": response, "sequence_number": 0}, "response.failed")
    client = elsewhere(OPENAI, body, SSE)
    list(method(client, "responses.create")(model="m", input="hello", stream=True))
    line = only(metered)
    assert (line["status"], line["error"], line["source"]) == ("error", "server_error", "reported")
    assert classes(line) == {"input": 5, "output": 2}


@SDK
def test_an_error_event_in_a_stream_is_an_error(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    sim.fault = "error-event"
    with sdk.sync(sim.url) as client, pytest.raises(Exception, match=r"Overloaded|failed half-way"):
        list(sdk.of(client).create(**sdk.arguments, stream=True))
    line = only(metered)
    assert (line["status"], line["billed"]) == ("error", True)
    assert line["source"] == ("partial" if sdk is ANTHROPIC else "missing")
    assert classes(line) == (ANTHROPIC_INPUT if sdk is ANTHROPIC else {})


@SDK
def test_an_error_event_that_the_caller_reads_as_bytes_is_an_error(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    sim.fault = "error-event"
    with sdk.sync(sim.url) as client:
        reading = sdk.of(client).with_streaming_response.create(**sdk.arguments, stream=True)
        with reading as answer:
            list(answer.iter_lines())
    assert only(metered)["status"] == "error"


@SDK
def test_a_connection_lost_in_a_stream_is_an_error_that_may_be_billed(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    sim.fault = "cut-mid-body"
    with sdk.sync(sim.url) as client, pytest.raises(Exception):  # noqa: B017 - each version has its own
        list(sdk.of(client).create(**sdk.arguments, stream=True))
    line = only(metered)
    assert (line["status"], line["billed"]) == ("error", True)


@SDK
def test_a_timeout_is_an_error_that_may_be_billed(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    sim.fault = "stall"
    with sdk.sync(sim.url, timeout=0.2) as client, pytest.raises(Exception, match="timed out"):
        sdk.of(client).create(**sdk.arguments)
    line = only(metered)
    assert (line["status"], line["error"], line["source"], line["billed"]) == (
        "error",
        "APITimeoutError",
        "missing",
        True,
    )
    assert line["sent_chars"] == len("hello there")


@SDK
def test_a_server_that_cannot_be_reached_bills_nothing(sdk: Sdk, metered: Home) -> None:
    with sdk.sync("http://127.0.0.1:9") as client, pytest.raises(Exception, match="Connection error"):
        sdk.of(client).create(**sdk.arguments)
    line = only(metered)
    assert (line["status"], line["error"], line["billed"]) == ("error", "APIConnectionError", False)
    assert "sent_chars" not in line


@SDK
def test_attempts_of_a_call_that_failed_in_the_end(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    sim.fault = "server-error"
    with sdk.sync(sim.url, max_retries=2) as client, pytest.raises(Exception, match="500"):
        sdk.of(client).create(**sdk.arguments)
    assert only(metered).get("attempts") in (3, None)  # old versions do not tell


def test_the_text_of_tool_calls_and_reasoning_is_counted(metered: Home) -> None:
    deltas: list[dict[str, Any]] = [
        {"content": "four"},
        {"content": None, "tool_calls": [{"index": 0, "function": {"arguments": "sixsix"}}]},
        {"content": None, "reasoning_content": "eleven char"},
        {"content": "", "refusal": "no"},
    ]
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    body = b"".join(frame({**head, "choices": [{"index": 0, "delta": delta}]}) for delta in deltas)
    read(body + b"data: [DONE]\n\n", OPENAI)
    line = only(metered)
    assert (line["status"], line["source"], line["seen_chars"]) == ("ok", "missing", 4 + 6 + 11 + 2)


def test_thinking_and_arguments_are_counted(metered: Home) -> None:
    deltas = [
        {"type": "thinking_delta", "thinking": "three"},
        {"type": "thinking_delta", "thinking": "four"},
        {"type": "text_delta", "text": "six"},
        {"type": "input_json_delta", "partial_json": "{}"},
        {"type": "signature_delta", "signature": "not text"},
    ]
    events = [
        frame(
            {"type": "message_start", "message": {**START, "usage": {"input_tokens": 1, "output_tokens": 1}}},
            "message_start",
        )
    ]
    events += [
        frame({"type": "content_block_delta", "index": 0, "delta": delta}, "content_block_delta") for delta in deltas
    ]
    read(b"".join(events))
    assert only(metered)["seen_chars"] == 5 + 4 + 3 + 2


@SDK
def test_a_stream_closed_by_another_thread_is_one_record(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    sim.delay_s = 0.2
    with sdk.sync(sim.url) as client:
        stream = sdk.of(client).create(**sdk.arguments, stream=True)
        next(stream)
        closer = threading.Thread(target=stream.response.close)
        closer.start()
        with suppress(Exception):
            list(stream)
        closer.join()
        del stream
    assert len(calls(metered)) == 1


@SDK
def test_a_stream_in_a_cycle_of_garbage_is_one_record(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    with sdk.sync(sim.url) as client:
        holder: list[Any] = [sdk.of(client).create(**sdk.arguments, stream=True)]
        next(holder[0])
        holder.append(holder)
        del holder
        gc.collect()
    assert only(metered)["status"] == "aborted"


@SDK
def test_an_exception_of_the_caller_in_the_middle_is_an_abort(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    def leave(stream: Any) -> None:
        with stream:
            next(stream)
            raise ZeroDivisionError

    with sdk.sync(sim.url) as client, pytest.raises(ZeroDivisionError):
        leave(sdk.of(client).create(**sdk.arguments, stream=True))
    assert only(metered)["status"] == "aborted"


@SDK
def test_many_streams_at_once_keep_to_themselves(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    async def one(client: Any, number: int) -> None:
        stream = await sdk.of(client).create(**{**sdk.arguments, "model": f"claude-test-{number}"}, stream=True)
        async for _ in stream:
            await asyncio.sleep(0)

    async def run() -> None:
        async with sdk.asynchronous(sim.url) as client:
            await asyncio.gather(*(one(client, number) for number in range(20)))

    asyncio.run(run())
    lines = calls(metered)
    assert sorted(line["request_model"] for line in lines) == sorted(f"claude-test-{number}" for number in range(20))
    assert all(classes(line) == sdk.classes and line["response_model"] == line["request_model"] for line in lines)


def test_the_stream_and_its_iterator_pass_on_what_they_have(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        stream = client.chat.completions.create(**CHAT, stream=True)
        next(stream)
        assert stream._iterator.gi_frame is not None
        assert not hasattr(stream._iterator, "nothing of the kind")
        stream._iterator.close()
        stream.response.close()  # early versions leave it open
        del stream
    assert only(metered)["status"] == "aborted"


def test_a_stream_read_again_after_its_end_stays_at_its_end(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        stream = client.chat.completions.create(**CHAT, stream=True)
        assert len(list(stream)) > 1
        assert list(stream) == []
        with pytest.raises(StopIteration):
            next(stream)
    assert classes(only(metered)) == OPENAI.classes


def test_a_background_response_has_no_usage_until_it_is_fetched(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        queued = method(client, "responses.create")(model="gpt-4o-mini", input="hello", background=True)
    line = only(metered)
    assert (line["status"], line["source"], line["response_id"]) == ("ok", "missing", queued.id)
    assert "usage" not in line and "raw" not in line


def test_counting_tokens_and_listing_models_are_no_calls(metered: Home, sim: Simulator) -> None:
    with ANTHROPIC.sync(sim.url) as client:
        method(client, "messages.count_tokens")(model="claude-test", messages=CLAUDE["messages"])
    with OPENAI.sync(sim.url) as client:
        client.models.list()
    assert calls(metered) == []


def test_what_frameworks_write_into_usage_afterwards_changes_nothing(metered: Home, sim: Simulator) -> None:
    """Instructor overwrites the counts of an answer with totals over its retries."""
    with OPENAI.sync(sim.url) as client:
        answer = client.chat.completions.create(**CHAT)
        answer.usage.prompt_tokens = answer.usage.completion_tokens = 1_000_000
        chunks = []
        for chunk in client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}):
            chunks.append(chunk)
            if chunk.usage is not None:
                chunk.usage.prompt_tokens = 1_000_000
    assert [classes(line) for line in calls(metered)] == [OPENAI.classes] * 2


def test_the_raw_usage_of_a_stream_is_what_the_provider_stated(metered: Home, sim: Simulator) -> None:
    sim.usage["openai.chat"] = {
        "prompt_tokens": 5,
        "completion_tokens": 2,
        "total_tokens": 7,
        "a_new_field": {"x": [1, None]},
    }
    with OPENAI.sync(sim.url) as client:
        list(client.chat.completions.create(**CHAT, stream=True))
    assert only(metered)["raw"] == sim.usage["openai.chat"]


@SDK
def test_a_second_look_at_a_stream_that_is_dropped_meanwhile_does_not_end_the_call(
    sdk: Sdk, metered: Home, sim: Simulator
) -> None:
    """Anthropic's early versions make two of each stream that is read through the helper, and drop one of them at some time."""
    with sdk.sync(sim.url) as client:
        stream = sdk.of(client).create(**sdk.arguments, stream=True)
        other = stream.__stream__()
        next(iter(stream))
        del other
        gc.collect()
        for _ in stream:
            pass
    line = only(metered)
    assert (line["status"], classes(line)) == ("ok", sdk.classes)
