"""Callers and libraries that do what few do: the call is recorded all the same, and what they see stays as it was."""

from __future__ import annotations

import asyncio
import copy
import importlib
import logging
import pickle
import sys
from types import MappingProxyType
from typing import Any

import anthropic
import openai
import pytest

from meter import guard, instrument
from meter.home import Home
from meter.simulator import Simulator
from tests.instrument.sdks import OPENAI, SDKS, Sdk, calls, classes, only, show

SDK = pytest.mark.parametrize("sdk", SDKS, ids=lambda sdk: sdk.name)
http: Any = importlib.import_module("httpx2" if "httpx2" in sys.modules else "httpx")


class OwnOpenAI(openai.OpenAI):
    """A client that processes answers without the SDK's help."""

    def _process_response(self, *, cast_to: Any, response: Any, stream: bool, stream_cls: Any, **_: Any) -> Any:
        if stream:
            return stream_cls(cast_to=cast_to, response=response, client=self)
        return cast_to.construct(**response.json())


class OwnAnthropic(anthropic.Anthropic):
    _process_response = OwnOpenAI._process_response


class OwnAsyncOpenAI(openai.AsyncOpenAI):
    async def _process_response(self, **named: Any) -> Any:
        return OwnOpenAI._process_response(self, **named)  # type: ignore[arg-type]


OWN = {"openai": OwnOpenAI, "anthropic": OwnAnthropic}


@SDK
def test_an_answer_that_a_subclass_processes_is_read(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    with sdk._replace(client=OWN[sdk.name]).sync(sim.url) as client:
        sdk.of(client).create(**sdk.arguments)
    line = only(metered)
    assert (line["status"], line["source"]) == ("ok", "reported")
    assert classes(line) == sdk.classes


@SDK
def test_so_is_its_stream(sdk: Sdk, metered: Home, sim: Simulator) -> None:
    with sdk._replace(client=OWN[sdk.name]).sync(sim.url) as client:
        ask = {**sdk.arguments, "stream": True}
        seen = [show(event) for event in sdk.of(client).create(**ask)]
        assert classes(only(metered)) == sdk.classes
        instrument.uninstall()
        assert seen == [show(event) for event in sdk.of(client).create(**ask)]


def test_so_is_an_async_answer(metered: Home, sim: Simulator) -> None:
    async def run() -> None:
        async with OPENAI._replace(async_client=OwnAsyncOpenAI).asynchronous(sim.url) as client:
            await client.chat.completions.create(**OPENAI.arguments)

    asyncio.run(run())
    assert classes(only(metered)) == OPENAI.classes


class Unwilling(http.Response):  # type: ignore[misc]
    """A response that stays what it is."""

    @property
    def __class__(self) -> Any:
        return http.Response

    @__class__.setter
    def __class__(self, value: Any) -> None:
        raise TypeError("no")


class Frozen(http.Response):  # type: ignore[misc]
    """A response that takes no notes."""

    extensions: Any = property(lambda _: MappingProxyType({}), lambda *_: None)


def answered_by(kind: Any, sdk: Sdk, sim: Simulator) -> Any:
    """Return a client whose HTTP library makes responses of a class of its own."""

    class Client(http.Client):  # type: ignore[misc]
        def send(self, request: Any, **options: Any) -> Any:
            found = super().send(request, **options)
            made = kind(found.status_code, headers=found.headers, content=found.read(), request=request)
            return made if options.get("stream") else (made.read() and made)

    return sdk.sync(sim.url, http_client=Client())


def stream_to_the_end(resource: Any, ask: Any) -> Any:
    return list(resource.create(**ask))


def raw_stream(resource: Any, ask: Any) -> Any:
    return list(resource.with_raw_response.create(**ask).parse())


@pytest.mark.parametrize("kind", [Unwilling, Frozen])
@pytest.mark.parametrize("way", [stream_to_the_end, raw_stream])
@SDK
def test_a_response_that_cannot_be_tied_changes_nothing_for_the_caller(
    sdk: Sdk, way: Any, kind: Any, metered: Home, sim: Simulator
) -> None:
    with answered_by(kind, sdk, sim) as client:
        seen = [show(event) for event in way(sdk.of(client), {**sdk.arguments, "stream": True})]
        line = only(metered)
        assert guard.failures == {"call.answer": 1}
        instrument.uninstall()
        assert seen == [show(event) for event in way(sdk.of(client), {**sdk.arguments, "stream": True})]
    assert line["status"] == "ok"
    assert classes(line) == (sdk.classes if way is stream_to_the_end else {})


@SDK
def test_a_stream_that_cannot_be_tied_and_is_never_read_is_recorded(
    sdk: Sdk, metered: Home, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "meter")  # a traceback that is kept keeps the stream alive
    with answered_by(Frozen, sdk, sim) as client:
        stream = sdk.of(client).create(**sdk.arguments, stream=True)
        del stream
    assert [(line["status"], line["source"]) for line in calls(metered)] == [("aborted", "missing")]


@SDK
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_response_can_be_pickled_in_the_middle_of_its_stream(
    sdk: Sdk, protocol: int, metered: Home, sim: Simulator
) -> None:
    with sdk.sync(sim.url) as client, sdk.of(client).create(**sdk.arguments, stream=True) as stream:
        next(stream)
        twins: list[Any] = [pickle.loads(pickle.dumps(stream.response, protocol)), copy.copy(stream.response)]
        own: Any = type(stream.response).__base__  # ours is a subclass of it
        for twin in twins:
            assert type(twin) is own
            assert twin.headers == stream.response.headers
        list(stream)
    assert classes(only(metered)) == sdk.classes
