"""Runs of OpenAI's assistants: one is a call when its end is seen, in a stream or by a look at it, and once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from meter import guard, tags
from meter.home import Home
from meter.simulator import Simulator
from tests.instrument.sdks import OPENAI, OPENAI_CLASSES, calls, classes, method, only

pytestmark = pytest.mark.filterwarnings("ignore")

BEGIN: dict[str, Any] = {"assistant_id": "asst_1", "model": "gpt-4o-mini"}
MODEL = "gpt-4o-mini-2024-07-18"


def created(client: Any, **more: Any) -> Any:
    return list(method(client, "beta.threads.runs.create")("thread_1", **BEGIN, **more, stream=True))


def created_with_its_thread(client: Any, **more: Any) -> Any:
    return list(method(client, "beta.threads.create_and_run")(**BEGIN, **more, stream=True))


def helped(client: Any, **more: Any) -> Any:
    with method(client, "beta.threads.runs.stream")(thread_id="thread_1", **BEGIN, **more) as stream:
        return list(stream)


def helped_with_its_thread(client: Any, **more: Any) -> Any:
    with method(client, "beta.threads.create_and_run_stream")(**BEGIN, **more) as stream:
        return list(stream)


def as_bytes(client: Any, **more: Any) -> Any:
    runs = method(client, "beta.threads.runs.with_streaming_response")
    with runs.create("thread_1", **BEGIN, **more, stream=True) as response:
        return b"".join(response.iter_bytes())


WAYS = (created, created_with_its_thread, helped, helped_with_its_thread, as_bytes)
ways = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


@ways
def test_a_stream_states_the_usage_with_its_end(way: Callable[..., Any], metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client, tags(team="search"):
        assert way(client)
    line = only(metered)
    assert (line["api"], line["status"], line["source"], line["stream"]) == ("openai.runs", "ok", "reported", True)
    assert (line["response_model"], line["tags"], classes(line)) == (MODEL, {"team": "search"}, OPENAI_CLASSES)
    assert line["dur"] is not None and guard.failures == {}


def test_those_of_the_asynchronous_client_too(metered: Home, sim: Simulator) -> None:
    async def ask() -> None:
        async with OPENAI.asynchronous(sim.url) as client:
            stream = await client.beta.threads.runs.create("thread_1", **BEGIN, stream=True)
            async for _ in stream:
                pass
            async with client.beta.threads.runs.stream(thread_id="thread_1", **BEGIN) as helper:
                async for _ in helper:
                    pass

    asyncio.run(ask())
    assert [classes(line) for line in calls(metered)] == [OPENAI_CLASSES] * 2


@ways
def test_a_run_that_was_streamed_is_not_metered_again(way: Callable[..., Any], metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        way(client)
        name = only(metered)["response_id"]
        for _ in range(2):
            method(client, "beta.threads.runs.retrieve")(name, thread_id="thread_1")
        again = f"""
import meter.auto, openai
client = openai.OpenAI(api_key="k", base_url={sim.url + "/v1"!r})
client.beta.threads.runs.retrieve({name!r}, thread_id="thread_1")
"""
        subprocess.run([sys.executable, "-W", "ignore", "-c", again], check=True, timeout=60)
    assert classes(only(metered)) == OPENAI_CLASSES


def test_one_that_is_waited_for_is_metered_once(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client, tags(team="search"):
        wait = method(client, "beta.threads.runs.create_and_poll")
        run = wait(thread_id="thread_1", **BEGIN, poll_interval_ms=10)
        client.beta.threads.runs.retrieve(run.id, thread_id="thread_1")
    line = only(metered)
    assert (classes(line), line["tags"], line["response_model"]) == (OPENAI_CLASSES, {"team": "search"}, MODEL)


@pytest.mark.parametrize("streamed", [True, False])
def test_one_that_stops_for_a_tool_is_metered_at_its_end(streamed: bool, metered: Home, sim: Simulator) -> None:
    outputs: dict[str, Any] = {"thread_id": "thread_1", "tool_outputs": []}
    with OPENAI.sync(sim.url) as client:
        with tags(team="search"):
            events = created(client, tools=[{"type": "code_interpreter"}])
        name = events[-1].data.id
        assert events[-1].event == "thread.run.requires_action" and calls(metered) == []
        with tags(team="night shift"):
            more = client.beta.threads.runs.submit_tool_outputs(name, **outputs, stream=streamed)
            assert (list(more) if streamed else more) is not None
        client.beta.threads.runs.retrieve(name, thread_id="thread_1")
    line = only(metered)
    assert (classes(line), line["tags"], line["response_id"]) == (OPENAI_CLASSES, {"team": "search"}, name)


def test_one_whose_stream_is_left_is_metered_when_it_is_looked_at(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        with tags(team="search"):
            stream = method(client, "beta.threads.runs.create")("thread_1", **BEGIN, stream=True)
            name = next(iter(stream)).data.id
            stream.close()
        assert calls(metered) == []
        client.beta.threads.runs.retrieve(name, thread_id="thread_1")
    line = only(metered)
    assert (classes(line), line["tags"]) == (OPENAI_CLASSES, {"team": "search"})


@pytest.mark.parametrize(
    ("finish", "status", "error"), [("length", "ok", None), ("content-filter", "error", "server_error")]
)
def test_one_that_ends_otherwise_is_billed_too(
    finish: str, status: str, error: str | None, metered: Home, sim: Simulator
) -> None:
    sim.fault = finish
    with OPENAI.sync(sim.url) as client:
        created(client)
    line = only(metered)
    assert (line["status"], line.get("error"), line["source"]) == (status, error, "reported")
    assert classes(line) == OPENAI_CLASSES


def test_one_that_is_seen_to_its_end_by_two_homes_has_one_id(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        created(client)
        name = only(metered)["response_id"]
        for path in (metered.path / "batches").iterdir():  # as it would be elsewhere
            path.unlink()
        client.beta.threads.runs.retrieve(name, thread_id="thread_1")
    assert len({line["id"] for line in calls(metered)}) == 1 and len(calls(metered)) == 2
