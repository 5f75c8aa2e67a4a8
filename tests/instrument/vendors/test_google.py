"""google-genai's interactions in the background, and its Live sessions over a real WebSocket."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from meter import guard, instrument, tags
from meter.doctor.trials.google import INTERACTION, client
from meter.doctor.trials.trial import OPENAI, read
from meter.home import Home
from meter.instrument.patches import Patch
from meter.simulator import Simulator
from tests.instrument.vendors.reading import calls, classes, only

genai: Any = pytest.importorskip("google.genai")

pytestmark = pytest.mark.filterwarnings("ignore")


def interactions(url: str) -> Any:
    made = client(url)
    if not hasattr(made, "interactions"):
        pytest.skip("this version has none")
    found = made.interactions
    found.kept = made  # it closes with its last reference
    return found


def test_what_is_made_in_the_background_is_metered_when_it_is_fetched_and_once(metered: Home, sim: Simulator) -> None:
    api = interactions(sim.url)
    with tags(team="search"):
        made = api.create(**INTERACTION, background=True)
    for _ in range(2):
        assert api.get(made.id).status == "completed"
    again = f"""
import meter.auto
from meter.doctor.trials.google import client
made = client({sim.url!r})
made.interactions.get({made.id!r})
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", again], check=True, timeout=60)
    begun, fetched = sorted(calls(metered), key=lambda line: str(line["source"]))
    assert (begun["source"], begun["billed"], fetched["source"]) == ("missing", False, "reported")
    assert (classes(fetched), fetched["tags"], fetched["provider"]) == (OPENAI, {"team": "search"}, "gcp.gemini")
    assert (fetched["api"], fetched["request_model"]) == ("gemini.interactions", "gemini-2.5-flash")


def test_one_in_the_background_that_was_streamed_to_its_end_is_not_metered_again(metered: Home, sim: Simulator) -> None:
    api = interactions(sim.url)
    last = read(api.create(**INTERACTION, background=True, stream=True))[-1]
    api.get(last.interaction.id)
    assert classes(only(metered)) == OPENAI


def test_one_that_was_not_made_in_the_background_is_not_metered_again(metered: Home, sim: Simulator) -> None:
    api = interactions(sim.url)
    api.get(api.create(**INTERACTION).id)
    assert classes(only(metered)) == OPENAI


def test_an_agent_stands_where_the_model_would(metered: Home, sim: Simulator) -> None:
    if genai.__version__.startswith("1."):
        pytest.skip("the first version's request does not pass here")
    interactions(sim.url).create(agent="deep-research", input="ping")
    assert only(metered)["request_model"] == "deep-research"


def test_searches_are_counted_as_they_are_stated(metered: Home, sim: Simulator) -> None:
    found = {"total_input_tokens": 5, "total_output_tokens": 2}
    sim.usage["gemini.interactions"] = {**found, "grounding_tool_count": [{"type": "google_search", "count": 3}]}
    interactions(sim.url).create(**INTERACTION)
    assert classes(only(metered)) == {"input": 5, "output": 2, "web_searches": 3}


@pytest.mark.parametrize("fault", ["cut-mid-body", "error-event"])
def test_a_stream_that_comes_to_grief_is_no_call_that_went_well(fault: str, metered: Home, sim: Simulator) -> None:
    sim.fault = fault
    try:
        read(interactions(sim.url).create(**INTERACTION, stream=True))
    except Exception as error:
        assert error
    assert {line["status"] for line in calls(metered)} <= {"error", "aborted"}
    assert {line["source"] for line in calls(metered)} == {"missing"}


def test_a_part_of_the_sdk_without_any_of_its_places_is_missing(metered: Home) -> None:
    instrument.hooks()
    states = {target: state.state for target, state in instrument.hooks().items() if target.startswith("google.genai")}
    parts: dict[str, set[str]] = {}
    for target, state in states.items():
        parts.setdefault(target.partition(":")[0], set()).add(state)
    assert "missing" not in set().union(*parts.values())
    patch: Patch = next(p for p in instrument._patches.values() if p.target.startswith("google.genai._gaos"))
    moved = Patch(patch.provider, "google.genai._moved", "BaseSDK.do_request", lambda bare: bare)
    from meter.instrument import presence

    assert presence.judged({moved.target: moved})[moved.target].state == "missing"


USAGE = {
    "promptTokenCount": 522,
    "responseTokenCount": 42,
    "totalTokenCount": 564,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 332}, {"modality": "AUDIO", "tokenCount": 165}],
    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 42}],
    "thoughtsTokenCount": 136,
}
TURNS = (
    {"serverContent": {"modelTurn": {"parts": [{"text": "x"}]}}},
    {"serverContent": {"turnComplete": True}, "usageMetadata": USAGE},
)


@pytest.fixture
def address() -> Iterator[str]:
    server = pytest.importorskip("websockets.sync.server")

    def speak(connection: Any) -> None:
        connection.recv()
        connection.send(json.dumps({"setupComplete": {}}).encode())
        for turn in TURNS:
            connection.send(json.dumps(turn).encode())
        connection.recv()

    with server.serve(speak, "127.0.0.1", 0) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.socket.getsockname()[1]}"
        listening.shutdown()
        thread.join()


async def heard(address: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    live = genai.live
    connect = live.ws_connect

    @asynccontextmanager
    async def plainly(uri: str, **more: Any) -> Any:  # the SDK knows only wss
        async with connect(uri.replace("wss://", "ws://"), additional_headers=more["additional_headers"]) as made:
            yield made

    monkeypatch.setattr(live, "ws_connect", plainly)
    made = client(address)
    async with made.aio.live.connect(model="gemini-live", config={"response_modalities": ["AUDIO"]}) as session:
        return [message async for message in session.receive()]


def test_each_turn_of_a_live_session_is_a_call(address: str, metered: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with tags(team="voice"):
        found = asyncio.run(heard(address, monkeypatch))
    assert [type(message).__name__ for message in found] == ["LiveServerMessage"] * 2
    line = only(metered)
    assert (line["api"], line["provider"], line["response_model"]) == ("gemini.live", "gcp.gemini", "gemini-live")
    assert classes(line) == {"input": 357, "input_audio": 165, "output_audio": 42, "reasoning": 136}
    assert (line["raw"], line["tags"]) == (USAGE, {"team": "voice"})
    assert guard.failures == {}
