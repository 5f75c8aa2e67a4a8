"""Streams that send nothing before they are read: the tags are those of where they were asked for, as with every other SDK."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from inspect import isasyncgen, isgenerator
from typing import Any

import pytest

from meter import guard, tags
from meter.doctor.trials import google, ollama
from meter.home import Home
from meter.instrument import written
from meter.simulator import Simulator
from tests.instrument.vendors.reading import calls, classes, only

pytestmark = pytest.mark.filterwarnings("ignore")

HERE = {"team": "search"}


def of_google(url: str) -> tuple[Any, Iterator[Any]]:
    pytest.importorskip("google.genai")
    client = google.client(url)
    return client, client.models.generate_content_stream(**google.GENERATE)


def of_a_chat(url: str) -> tuple[Any, Iterator[Any]]:
    pytest.importorskip("google.genai")
    client = google.client(url)
    return client, client.chats.create(model="gemini-2.5-flash").send_message_stream("ping")


def of_ollama(url: str) -> tuple[Any, Iterator[Any]]:
    pytest.importorskip("ollama")
    client = ollama.client(url)
    return client, client.chat(**ollama.CHAT, stream=True)


async def of_google_async(url: str) -> tuple[Any, AsyncIterator[Any]]:
    pytest.importorskip("google.genai")
    client = google.client(url)
    return client, await client.aio.models.generate_content_stream(**google.GENERATE)


async def of_a_chat_async(url: str) -> tuple[Any, AsyncIterator[Any]]:
    pytest.importorskip("google.genai")
    client = google.client(url)
    return client, await client.aio.chats.create(model="gemini-2.5-flash").send_message_stream("ping")


PLAIN = (of_google, of_a_chat, of_ollama)
WAITING = (of_google_async, of_a_chat_async)


@pytest.mark.parametrize("way", PLAIN, ids=lambda way: way.__name__)
@pytest.mark.parametrize("inside", [True, False])
def test_the_tags_are_those_of_where_it_was_asked_for(
    way: Callable[[str], Any], inside: bool, metered: Home, sim: Simulator
) -> None:
    if inside:
        with tags(**HERE):
            client, stream = way(sim.url)
        assert list(stream)
    else:
        client, stream = way(sim.url)
        with tags(team="night shift"):
            assert list(stream)
    line = only(metered)
    assert line.get("tags") == (HERE if inside else None)
    assert client and classes(line) and guard.failures == {}


@pytest.mark.parametrize("way", WAITING, ids=lambda way: way.__name__)
def test_those_of_asynchronous_ones_too(way: Callable[[str], Any], metered: Home, sim: Simulator) -> None:
    async def ask() -> None:
        with tags(**HERE):
            client, stream = await way(sim.url)
        assert isasyncgen(stream) and client
        with tags(team="night shift"):
            async for _ in stream:
                pass

    asyncio.run(ask())
    assert only(metered)["tags"] == HERE


def test_a_tool_that_asks_a_model_itself_has_tags_of_its_own(metered: Home, sim: Simulator) -> None:
    pytest.importorskip("google.genai")
    client = google.client(sim.url)

    def pieces() -> Iterator[Any]:
        with tags(team="inner"):
            inner = client.models.generate_content_stream(**google.GENERATE)
        yield from inner

    with tags(team="outer"):
        outer = client.models.generate_content_stream(**google.GENERATE)
    next(outer)
    assert list(pieces()) and list(outer)
    assert sorted(line["tags"]["team"] for line in calls(metered)) == ["inner", "outer"]


def test_the_caller_gets_the_sdks_own_generator_and_nothing_is_kept(metered: Home, sim: Simulator) -> None:
    client, stream = of_google(sim.url)
    assert isgenerator(stream) and stream.gi_code.co_name == "generate_content_stream"
    assert written._asked
    del stream
    gc.collect()
    assert client and not written._asked
