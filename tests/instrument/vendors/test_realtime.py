"""OpenAI's Realtime over a real WebSocket on loopback: each response is a call, with sound and text apart, and once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from meter import tags
from meter.home import Home
from tests.instrument.vendors.reading import calls

server = pytest.importorskip("websockets.sync.server")
openai = pytest.importorskip("openai", minversion="2.0")

USAGE = {
    "total_tokens": 150,
    "input_tokens": 100,
    "output_tokens": 50,
    "input_token_details": {
        "text_tokens": 40,
        "audio_tokens": 60,
        "cached_tokens": 30,
        "cached_tokens_details": {"text_tokens": 10, "audio_tokens": 20},
    },
    "output_token_details": {"text_tokens": 15, "audio_tokens": 35},
}
SESSION = {"type": "realtime", "model": "gpt-realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
SAID = "conversation.item.input_audio_transcription.completed"
EVENTS = (
    {"type": "session.created", "event_id": "e0", "session": SESSION},
    {"type": "response.output_audio.delta", "event_id": "e1", "delta": "AAAA"},
    {
        "type": SAID,
        "event_id": "e2",
        "item_id": "item_1",
        "transcript": "x",
        "usage": {"type": "duration", "seconds": 3},
    },
    {"type": "response.done", "event_id": "e3", "response": {"id": "resp_1", "status": "completed", "usage": USAGE}},
    {"type": "response.done", "event_id": "e4", "response": {"id": "resp_1", "status": "completed", "usage": USAGE}},
    {"type": "response.done", "event_id": "e5", "response": {"id": "resp_2", "status": "cancelled", "usage": None}},
)


ENDED = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
ENDS = tuple(
    {
        "type": f"response.{status}",
        "response": {"id": f"resp_{status}", "model": "gpt-5", "status": status, "usage": ENDED},
    }
    for status in ("completed", "incomplete", "failed")
)


@pytest.fixture
def address() -> Iterator[str]:
    def speak(connection: Any) -> None:
        for event in ENDS if connection.request.path.endswith("/responses") else EVENTS:
            connection.send(json.dumps(event))
        connection.close()

    with server.serve(speak, "127.0.0.1", 0) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{listening.socket.getsockname()[1]}/v1"
        listening.shutdown()
        thread.join()


def responses(address: str) -> list[str]:
    """Responses over a WebSocket, of which one was cut short."""
    client = openai.OpenAI(api_key="sim", websocket_base_url=address)
    if not hasattr(client.responses, "connect"):
        pytest.skip("this version has none")
    with client.responses.connect() as connection:
        return [event.type for event in connection]


def heard(address: str) -> list[str]:
    client = openai.OpenAI(api_key="sim", websocket_base_url=address)
    with tags(team="voice"), client.realtime.connect(model="gpt-realtime") as connection:
        return [event.type for event in connection]


async def heard_async(address: str) -> list[str]:
    client = openai.AsyncOpenAI(api_key="sim", websocket_base_url=address)
    with tags(team="voice"):
        async with client.realtime.connect(model="gpt-realtime") as connection:
            return [event.type async for event in connection]


@pytest.mark.parametrize("way", [heard, lambda address: asyncio.run(heard_async(address))], ids=["sync", "async"])
def test_each_response_and_transcription_is_a_call_and_once(way: Any, address: str, metered: Home) -> None:
    assert way(address) == [event["type"] for event in EVENTS]
    by_api = {line["api"]: line for line in calls(metered)}
    assert len(calls(metered)) == len(by_api) == 2
    spoken, written = by_api["openai.realtime"], by_api["openai.audio_transcriptions"]
    assert spoken["usage"] == {
        "cache_read": 10,
        "cache_read_audio": 20,
        "input_audio": 40,
        "input": 30,
        "output_audio": 35,
        "output": 15,
    }
    assert (spoken["response_model"], spoken["response_id"], spoken["tags"]) == (
        "gpt-realtime",
        "resp_1",
        {"team": "voice"},
    )
    assert spoken["raw"] == USAGE
    assert (written["usage"], written["response_model"]) == ({"audio_seconds": 3}, "whisper-1")


def test_a_response_is_billed_however_it_ends(address: str, metered: Home) -> None:
    assert responses(address) == [event["type"] for event in ENDS]
    assert [(line["api"], line["usage"], line["response_model"]) for line in calls(metered)] == [
        ("openai.responses", {"input": 11, "output": 7}, "gpt-5")
    ] * 3
