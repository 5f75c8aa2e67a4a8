"""Calls that no SDK makes: counted by who is called, or read from the wire where that was asked for; never both, never twice."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from meter import guard, instrument, settings
from meter.home import Home
from meter.instrument import plain
from meter.names import UNMETERED
from meter.simulator import Simulator
from meter.spool import segments
from tests.instrument.vendors.reading import calls, classes, settled

pytestmark = pytest.mark.filterwarnings("ignore")

ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "ping"}]}
STREAM: dict[str, Any] = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
USAGE = {"input": 8, "cache_read": 3, "output": 5, "reasoning": 2}


def library(name: str) -> Any:
    return pytest.importorskip(name)


def httpx_once(name: str, url: str) -> Any:
    return library(name).post(url, json=ASK, headers={"Authorization": "Bearer sim"}).json()


def httpx_stream(name: str, url: str) -> Any:
    with library(name).stream("POST", url, json=STREAM) as response:
        return list(response.iter_lines())


def httpx_first(name: str, url: str) -> Any:
    with library(name).stream("POST", url, json=STREAM) as response:
        return next(response.iter_lines())


def httpx_async(name: str, url: str) -> Any:
    async def ask() -> Any:
        async with library(name).AsyncClient() as client:
            return (await client.post(url, json=ASK)).json()

    return asyncio.run(ask())


def httpx_async_stream(name: str, url: str) -> Any:
    async def ask() -> Any:
        async with library(name).AsyncClient() as client, client.stream("POST", url, json=STREAM) as response:
            return [line async for line in response.aiter_lines()]

    return asyncio.run(ask())


def requests_once(_: str, url: str) -> Any:
    return library("requests").post(url, json=ASK, headers={"Authorization": "Bearer sim"}).json()


def requests_stream(_: str, url: str) -> Any:
    return list(library("requests").post(url, json=STREAM, stream=True).iter_lines())


def requests_first(_: str, url: str) -> Any:
    with library("requests").post(url, json=STREAM, stream=True) as response:
        return next(response.iter_lines())


def aiohttp_once(_: str, url: str) -> Any:
    async def ask() -> Any:
        async with library("aiohttp").ClientSession() as session, session.post(url, json=ASK) as response:
            return await response.json()

    return asyncio.run(ask())


def aiohttp_stream(_: str, url: str) -> Any:
    async def ask() -> Any:
        async with library("aiohttp").ClientSession() as session, session.post(url, json=STREAM) as response:
            return [line async for line in response.content]

    return asyncio.run(ask())


def aiohttp_first(_: str, url: str) -> Any:
    async def ask() -> Any:
        async with library("aiohttp").ClientSession() as session, session.post(url, json=STREAM) as response:
            return await response.content.readline()

    return asyncio.run(ask())


def carried_once(name: str, url: str) -> Any:
    async def ask() -> Any:
        async with library(name).HttpxAiohttpClient() as client:
            return (await client.post(url, json=ASK)).json()

    return asyncio.run(ask())


def carried_stream(name: str, url: str) -> Any:
    async def ask() -> Any:
        async with library(name).HttpxAiohttpClient() as client, client.stream("POST", url, json=STREAM) as response:
            return [line async for line in response.aiter_lines()]

    return asyncio.run(ask())


WHOLE = [
    *(
        (way, name)
        for name in ("httpx", "httpx2")
        for way in (httpx_once, httpx_stream, httpx_async, httpx_async_stream)
    ),
    (requests_once, "requests"),
    (requests_stream, "requests"),
    (aiohttp_once, "aiohttp"),
    (aiohttp_stream, "aiohttp"),
    (carried_once, "httpx_aiohttp"),
    (carried_stream, "httpx_aiohttp"),
]
FIRST = [(httpx_first, "httpx"), (httpx_first, "httpx2"), (requests_first, "requests"), (aiohttp_first, "aiohttp")]

ways = pytest.mark.parametrize(("way", "name"), WHOLE, ids=[f"{name}: {way.__name__}" for way, name in WHOLE])


@pytest.fixture
def url(home: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A chat's address, at a server that meter.toml names; metering is switched on."""
    home.path.mkdir()
    home.config.write_text(f'[servers]\n"{urlsplit(sim.url).netloc}" = "openai"\n')
    monkeypatch.setattr(plain, "_published", -plain.PUBLISH_S)
    instrument.install()
    yield f"{sim.url}/v1/chat/completions"
    instrument.uninstall()
    instrument.forget_servers()


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_WIRE", "1")
    settings.reset()


def unmetered() -> dict[str, int]:
    return {name: count for name, count in guard.failures.items() if name.startswith(UNMETERED)}


@ways
def test_a_call_is_counted_and_not_recorded(way: Any, name: str, home: Home, url: str) -> None:
    way(name, url)
    key = f"{UNMETERED}openai {urlsplit(url).netloc}"
    assert (calls(home), unmetered()) == ([], {key: 1})
    assert [state.failures for one in segments(home.spool) if (state := one.state())] == [{key: 1}]


@ways
def test_a_call_is_read_from_the_wire_if_asked(way: Any, name: str, wire: None, home: Home, url: str) -> None:
    way(name, url)
    line = settled(home)
    assert (classes(line), line["source"], line["status"], line["provider"]) == (USAGE, "reported", "ok", "openai")
    assert (line["request_model"], line["server"]) == ("gpt-4o-mini", urlsplit(url).netloc)
    assert unmetered() == {}


@ways
def test_what_comes_back_is_the_same(way: Any, name: str, wire: None, home: Home, url: str) -> None:
    from tests.instrument.vendors.test_trials import shown

    metered = shown(way(name, url))
    instrument.uninstall()
    assert shown(way(name, url)) == metered
    assert len(calls(home)) == 1


@pytest.mark.parametrize(("way", "name"), FIRST, ids=[name for _, name in FIRST])
def test_a_stream_left_early_is_aborted(way: Any, name: str, wire: None, home: Home, sim: Simulator, url: str) -> None:
    sim.delay_s = 0.02
    way(name, url)
    line = settled(home)
    assert (line["status"], line["source"], line["billed"]) == ("aborted", "missing", True)


def test_an_error_is_no_answer(wire: None, home: Home, sim: Simulator, url: str) -> None:
    sim.fault = "rate-limited"
    for name in ("httpx", "httpx2"):
        httpx_once(name, url)
    requests_once("", url)
    aiohttp_once("", url)
    assert [(line["status"], line["billed"], line.get("usage")) for line in calls(home)] == [("error", False, None)] * 4


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_what_an_sdk_sends_is_the_sdks(name: str, wire: None, home: Home, sim: Simulator, url: str) -> None:
    from meter.doctor.trials import load

    for trial in load():
        if trial.sdk == name and "chat" in trial.name:
            trial.run(sim.url)
    assert unmetered() == {}
    found = calls(home)
    assert len(found) == len(sim.requests)


def test_other_traffic_is_nobodys_business(home: Home, sim: Simulator, url: str) -> None:
    for name in ("httpx", "httpx2"):
        library(name).get(f"{sim.url}/v1/models")
        library(name).post(f"http://localhost:{urlsplit(sim.url).port}/v1/chat/completions", json=ASK)
    assert (calls(home), unmetered()) == ([], {})


def test_a_response_of_requests_can_be_copied_and_pickled(wire: None, home: Home, url: str) -> None:
    response = library("requests").post(url, json=STREAM, stream=True)
    assert pickle.loads(pickle.dumps(response)).content == copy.copy(response).content
    assert type(response) is library("requests").Response or type(response).__name__ == "Response"
