"""Each way of calling, bare and metered: the caller sees the same to the letter, and exactly one call is recorded."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest

from meter import guard, instrument
from meter.home import Home
from meter.simulator import Simulator
from tests.instrument import ways
from tests.instrument.sdks import (
    ANTHROPIC_INPUT,
    CHAT,
    MESSAGES,
    OPENAI,
    SDKS,
    Sdk,
    calls,
    classes,
    helper,
    masked,
    method,
    only,
    show,
)


class Case(NamedTuple):
    """A way, and how much of the usage it lets anyone see with each SDK: all of it, in part (the input), none."""

    way: Any
    openai: str = "all"
    anthropic: str = "all"
    status: str = "ok"


SYNC = (
    Case(ways.create),
    Case(ways.stream_for),
    Case(ways.stream_next),
    Case(ways.early_close, "none", "part", "aborted"),
    Case(ways.early_drop, "none", "part", "aborted"),
    Case(ways.never_read, "none", "none", "aborted"),
    Case(ways.raw_parse),
    Case(ways.raw_status),
    Case(ways.raw_stream),
    Case(ways.streaming_parse),
    Case(ways.streaming_json),
    Case(ways.streaming_lines, "none"),  # who reads the bytes would see what we asked for: so we do not ask
    Case(ways.streaming_events, "none"),
    Case(ways.streaming_early, "none", "part", "aborted"),
    Case(ways.streaming_unread, "none", "none", "aborted"),
)
ASYNC = (
    Case(ways.a_create),
    Case(ways.a_stream_for),
    Case(ways.a_early_close, "none", "part", "aborted"),
    Case(ways.a_early_drop, "none", "part", "aborted"),
    Case(ways.a_never_read, "none", "none", "aborted"),
    Case(ways.a_raw_parse),
    Case(ways.a_raw_status),
    Case(ways.a_raw_stream),
    Case(ways.a_streaming_parse),
    Case(ways.a_streaming_json),
    Case(ways.a_streaming_lines, "none"),
    Case(ways.a_streaming_events, "none"),
    Case(ways.a_streaming_early, "none", "part", "aborted"),
    Case(ways.a_streaming_unread, "none", "none", "aborted"),
    Case(ways.a_cancel_request, "none", "none", "aborted"),
    Case(ways.a_cancel_stream, "none", "part", "aborted"),
)
SOURCES = {"all": "reported", "part": "partial", "none": "missing"}


def named(value: object) -> str | None:
    return value.way.__name__ if isinstance(value, Case) else value.name if isinstance(value, Sdk) else None


@pytest.mark.parametrize("sdk", SDKS, ids=named)
@pytest.mark.parametrize("case", SYNC, ids=named)
def test_a_sync_caller_sees_no_difference(sdk: Sdk, case: Case, sim: Simulator, home: Home) -> None:
    def run() -> Any:
        with sdk.sync(sim.url) as client:
            return case.way(sdk.of(client), sdk.arguments)

    compare(run, home)
    judge(sdk, case, home)


@pytest.mark.parametrize("sdk", SDKS, ids=named)
@pytest.mark.parametrize("case", ASYNC, ids=named)
def test_an_async_caller_sees_no_difference(sdk: Sdk, case: Case, sim: Simulator, home: Home) -> None:
    sim.delay_s = 0.15 if case.way is ways.a_cancel_stream else 0.0

    async def run() -> Any:
        async with sdk.asynchronous(sim.url) as client:
            return await case.way(sdk.of(client), sdk.arguments)

    compare(lambda: asyncio.run(run()), home)
    judge(sdk, case, home)


def compare(run: Any, home: Home) -> Any:
    """Run bare and metered; what is seen, exceptions included, must be equal."""
    bare = outcome(run)
    assert calls(home) == []
    instrument.install()
    try:
        metered = outcome(run)
        calls(home)  # collects what was dropped while the hooks are in place
    finally:
        instrument.uninstall()
    assert metered == bare
    assert guard.failures == {}
    return metered


def outcome(run: Any) -> Any:
    try:
        return run()
    except Exception as error:
        frames, trace = [], error.__traceback__
        while trace is not None:
            frames.append(trace.tb_frame.f_code.co_qualname if hasattr(trace.tb_frame.f_code, "co_qualname") else "")
            trace = trace.tb_next
        return type(error), masked(str(error)), frames[-1], type(error.__cause__), type(error.__context__)


def judge(sdk: Sdk, case: Case, home: Home) -> None:
    line = only(home)
    known = case.openai if sdk is OPENAI else case.anthropic
    assert (line["status"], line["source"]) == (case.status, SOURCES[known])
    assert classes(line) == {"all": sdk.classes, "part": ANTHROPIC_INPUT, "none": {}}[known]
    assert line.get("stream", False) == (case.way.__name__.removeprefix("a_") not in ONCE)


ONCE = ("create", "raw_parse", "raw_status", "streaming_parse", "streaming_json", "streaming_unread", "cancel_request")


def test_parse_is_metered(sim: Simulator, home: Home) -> None:
    with OPENAI.sync(sim.url) as client:
        parse = helper(client, "parse")
        compare(lambda: [show(parse(**CHAT))], home)
    assert classes(only(home)) == OPENAI.classes


def test_parse_that_raises_was_billed_all_the_same(sim: Simulator, home: Home) -> None:
    from pydantic import BaseModel

    class Answer(BaseModel):
        text: str

    with OPENAI.sync(sim.url) as client:
        parse = helper(client, "parse")
        kind = compare(lambda: parse(model="trunc", messages=MESSAGES, response_format=Answer), home)[0]
    line = only(home)
    assert kind.__name__ == "LengthFinishReasonError"
    assert (line["status"], line["error"], line["source"], line["billed"]) == ("error", kind.__name__, "reported", True)
    assert classes(line) == OPENAI.classes


def test_openai_stream_helper(sim: Simulator, home: Home) -> None:
    def run() -> Any:
        with OPENAI.sync(sim.url) as client, helper(client, "stream")(**CHAT) as stream:
            return [*[show(event) for event in stream], show(stream.get_final_completion())]

    compare(run, home)
    assert classes(only(home)) == OPENAI.classes


def test_openai_stream_helper_left_early(sim: Simulator, home: Home) -> None:
    def run() -> Any:
        with OPENAI.sync(sim.url) as client, helper(client, "stream")(**CHAT) as stream:
            return [show(next(stream))]

    compare(run, home)
    assert (only(home)["status"], only(home)["source"]) == ("aborted", "missing")


def test_openai_async_stream_helper(sim: Simulator, home: Home) -> None:
    async def run() -> Any:
        async with OPENAI.asynchronous(sim.url) as client, helper(client, "stream")(**CHAT) as stream:
            return [show(event) async for event in stream]

    compare(lambda: asyncio.run(run()), home)
    assert classes(only(home)) == OPENAI.classes


@pytest.mark.parametrize("resource", ["messages", "beta.messages"])
def test_anthropic_stream_helper(resource: str, sim: Simulator, home: Home) -> None:
    sdk = SDKS[1]

    def run() -> Any:
        with sdk.sync(sim.url) as client, method(client, f"{resource}.stream")(**sdk.arguments) as stream:
            return [*[show(event) for event in stream], show(stream.get_final_message())]

    compare(run, home)
    assert classes(only(home)) == sdk.classes


@pytest.mark.parametrize("resource", ["messages", "beta.messages"])
def test_anthropic_stream_helper_left_early(resource: str, sim: Simulator, home: Home) -> None:
    sdk = SDKS[1]

    def run() -> Any:
        with sdk.sync(sim.url) as client, method(client, f"{resource}.stream")(**sdk.arguments) as stream:
            return [show(next(stream))]

    compare(run, home)
    assert classes(only(home)) == ANTHROPIC_INPUT


OTHERS: dict[str, tuple[str, dict[str, Any], dict[str, int]]] = {
    "embeddings": ("embeddings.create", {"model": "text-embedding-3-small", "input": "hello"}, {"input": 11}),
    "embeddings as floats": (
        "embeddings.create",
        {"model": "text-embedding-3-small", "input": ["hello"], "encoding_format": "float"},
        {"input": 11},
    ),
    "completions": ("completions.create", {"model": "gpt-3.5-turbo-instruct", "prompt": "hello"}, OPENAI.classes),
    "responses": ("responses.create", {"model": "gpt-4o-mini", "input": "hello"}, OPENAI.classes),
    "beta messages": ("beta.messages.create", {**SDKS[1].arguments}, SDKS[1].classes),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_calls(name: str, sim: Simulator, home: Home) -> None:
    path, ask, wanted = OTHERS[name]
    sdk = SDKS[1] if "messages" in path else OPENAI
    with sdk.sync(sim.url) as client:
        call = method(client, path)
        compare(lambda: [show(call(**ask))], home)
    assert classes(only(home)) == wanted


@pytest.mark.parametrize("name", [name for name in OTHERS if not name.startswith("embeddings")])
def test_streams_of_other_calls(name: str, sim: Simulator, home: Home) -> None:
    path, ask, wanted = OTHERS[name]
    sdk = SDKS[1] if "messages" in path else OPENAI
    with sdk.sync(sim.url) as client:
        call = method(client, path)
        compare(lambda: [show(event) for event in call(stream=True, **ask)], home)
    assert classes(only(home)) == wanted


@pytest.mark.parametrize("sdk", SDKS, ids=named)
def test_a_retry_inside_the_sdk_is_one_call(sdk: Sdk, sim: Simulator, home: Home) -> None:
    with sdk.sync(sim.url, max_retries=2) as client:
        compare(lambda: [show(sdk.of(client).create(**{**sdk.arguments, "model": "flaky-1"}))], home)
    line = only(home)
    assert classes(line) == sdk.classes
    assert line.get("attempts") in (2, None)  # openai 1.30 does not tell


@pytest.mark.parametrize("sdk", SDKS, ids=named)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_call_raises_as_ever(sdk: Sdk, stream: bool, sim: Simulator, home: Home) -> None:
    with sdk.sync(sim.url) as client:
        kind = compare(lambda: sdk.of(client).create(**{**sdk.arguments, "model": "bad", "stream": stream}), home)[0]
    line = only(home)
    assert (line["status"], line["error"], line["billed"]) == ("error", kind.__name__, False)
    assert line["source"] == "missing" and "usage" not in line


FAULTS = (
    *("unauthorized", "not-found", "rate-limited", "server-error", "cut-before-headers", "cut-mid-body"),
    *("malformed-sse", "error-event", "no-usage", "strange-usage", "wrong-content-type", "malformed-json", "length"),
)


@pytest.mark.parametrize("sdk", SDKS, ids=named)
@pytest.mark.parametrize("stream", [False, True], ids=["once", "stream"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_server_is_the_callers_as_ever(
    sdk: Sdk, stream: bool, fault: str, sim: Simulator, home: Home
) -> None:
    sim.fault = fault
    with sdk.sync(sim.url) as client:
        way = ways.stream_for if stream else ways.create
        bare = outcome(lambda: way(sdk.of(client), sdk.arguments))
        instrument.install()
        metered = outcome(lambda: way(sdk.of(client), sdk.arguments))
        line = only(home)
        instrument.uninstall()
    assert metered == bare
    assert (line["status"] == "error") == (isinstance(bare, tuple))
