"""A call belongs to the block, task, thread and process it is made in."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from meter import carry, tags
from meter.home import Home
from meter.simulator import Simulator
from meter.simulator.wire import frame
from tests.instrument.sdks import ANTHROPIC, CHAT, OPENAI, SDKS, Sdk, calls, classes, only

SDK = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)

CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
CHOICE = {"index": 0, "delta": {"content": "four"}, "finish_reason": None}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "four"}}
LAST = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}}
BODIES = {
    "openai": frame({**CHUNK, "choices": [CHOICE]}) * 2
    + frame({**CHUNK, "choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}}),
    "anthropic": b"".join(
        frame(event, str(event["type"]))
        for event in (
            {"type": "message_start", "message": {**MESSAGE, "usage": {"input_tokens": 11, "output_tokens": 1}}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            TEXT,
            {**LAST, "usage": {"output_tokens": 7}},
        )
    ),
}


@SDK
def test_the_tags_are_those_in_force_when_the_call_began(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    with sdk.sync(sim.url) as client:
        with tags(team="search"):
            stream = sdk.of(client).create(**sdk.arguments, stream=True)
        with tags(team="other"):
            for _ in stream:
                pass
    assert only(metered)["tags"] == {"team": "search"}


@SDK
def test_tasks_keep_their_own_tags(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    async def one(client: Any, number: int) -> None:
        with tags(number=number):
            await asyncio.sleep(0)
            await sdk.of(client).create(**{**sdk.arguments, "model": f"m-{number}"})

    async def run() -> None:
        async with sdk.asynchronous(sim.url) as client:
            await asyncio.gather(*(one(client, number) for number in range(10)))

    asyncio.run(run())
    found = {line["request_model"]: line["tags"]["number"] for line in calls(metered)}
    assert found == {f"m-{number}": str(number) for number in range(10)}


@SDK
def test_threads_keep_their_own_tags(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    with sdk.sync(sim.url) as client:

        def one(number: int) -> None:
            with tags(number=number):
                sdk.of(client).create(**{**sdk.arguments, "model": f"m-{number}"})

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, range(12)))
    found = {line["request_model"]: line["tags"]["number"] for line in calls(metered)}
    assert found == {f"m-{number}": str(number) for number in range(12)}


def test_tags_can_be_carried_into_a_thread(metered: Home, sim: Simulator) -> None:
    def work(carried: dict[str, str]) -> None:
        with tags(**carried), OPENAI.sync(sim.url) as client:
            client.chat.completions.create(**CHAT)

    with tags(team="search"):
        thread = threading.Thread(target=work, args=(carry(),))
    thread.start()
    thread.join()
    assert only(metered)["tags"] == {"team": "search"}


def test_async_code_in_a_thread_of_its_own_keeps_its_tags(metered: Home, sim: Simulator) -> None:
    async def run() -> None:
        with tags(team="search"):
            await asyncio.to_thread(sync_call)

    def sync_call() -> None:
        with ANTHROPIC.sync(sim.url) as client:
            client.messages.create(**ANTHROPIC.arguments)

    asyncio.run(run())
    assert only(metered)["tags"] == {"team": "search"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@SDK
def test_parent_and_forked_children_each_record_theirs(sdk: Sdk, home: Home, sim: Simulator) -> None:
    code = f"""
        import os, meter.auto, {sdk.name}
        from meter import tags
        def call(**who):
            client = {sdk.name}.{sdk.client.__name__}(api_key="sk-test", base_url="{sim.url}{sdk.base}")
            with tags(**who):  # a client each: connections cannot be shared over a fork
                client.{".".join(sdk.resource)}.create(**{sdk.arguments!r})
        call(who="before")
        children = []
        for number in range(3):
            child = os.fork()
            if not child:
                call(who=f"child {{number}}")
                os._exit(0)
            children.append(child)
        call(who="parent")
        for child in children:
            os.waitpid(child, 0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)
    lines = calls(home)
    assert sorted(line["tags"]["who"] for line in lines) == ["before", "child 0", "child 1", "child 2", "parent"]
    assert len({line["id"] for line in lines}) == 5
    assert len({line["pid"] for line in lines}) == 4
    assert all(classes(line) == sdk.classes for line in lines)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("child", ["sys.exit(0)", "list(stream)", "stream.close()"])
@SDK
def test_a_stream_in_the_middle_of_a_fork_is_one_call_of_the_parent(sdk: Sdk, child: str, home: Home) -> None:
    code = f"""
        import os, sys, meter.auto
        from tests.instrument.sdks import {sdk.name.upper()} as sdk, elsewhere
        body = open(0, "rb").read()
        client = elsewhere(sdk, body, {{"content-type": "text/event-stream"}})
        stream = sdk.of(client).create(**sdk.arguments, stream=True)
        next(stream)
        child = os.fork()
        if not child:
            sys.stderr = open(os.devnull, "w")  # some versions make a noise when a process ends in mid-stream
            {child}
            os._exit(0)
        os.waitpid(child, 0)
        print(os.getpid(), len(list(stream)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        input=BODIES[sdk.name],
        stdout=subprocess.PIPE,
    )
    pid, rest = map(int, done.stdout.split())
    line = only(home)
    assert (line["pid"], line["status"], line["source"], line["chunks"]) == (pid, "ok", "reported", rest + 1)
    assert classes(line) == {"input": 11, "output": 7}


def test_a_process_that_ends_without_clean_up_has_recorded_its_calls(home: Home, sim: Simulator) -> None:
    code = f"""
        import os, meter.auto, openai
        client = openai.OpenAI(api_key="sk-test", base_url="{sim.url}/v1")
        client.chat.completions.create(**{CHAT!r})
        os._exit(0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)
    assert classes(only(home)) == OPENAI.classes


def test_a_stream_alive_at_the_end_of_the_process_is_recorded_without_noise(home: Home, sim: Simulator) -> None:
    for sdk in SDKS:
        code = f"""
            import meter.auto, {sdk.name}
            client = {sdk.name}.{sdk.client.__name__}(api_key="sk-test", base_url="{sim.url}{sdk.base}")
            stream = client.{".".join(sdk.resource)}.create(**{sdk.arguments!r}, stream=True)
            next(stream)
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=60
        )
        assert "meter" not in done.stderr
    assert [line["status"] for line in calls(home)] == ["aborted", "aborted"]
