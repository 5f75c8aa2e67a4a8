"""Mistral's connections that stay open, over a real WebSocket on loopback: what was written down or spoken is a call."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from meter import guard, tags
from meter.doctor.trials.mistral import client
from meter.home import Home
from tests.instrument.vendors.reading import classes, only

pytest.importorskip("mistralai")
server = pytest.importorskip("websockets.sync.server")

USAGE = {"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10, "prompt_audio_seconds": 3}
FORMAT = {"encoding": "pcm_s16le", "sample_rate": 16000}
SESSION = {"request_id": "r", "model": "voxtral", "audio_format": FORMAT}
WRITTEN = (
    {"type": "session.created", "session": SESSION},
    {"type": "transcription.text.delta", "text": "x"},
    {"type": "transcription.done", "model": "voxtral-mini", "text": "x", "language": None, "usage": USAGE},
)
SPEECH = {"request_id": "r", "model": "voxtral-tts", "is_ref_audio": False, "streaming_mode": "responsive"}
SPOKEN = (
    {"type": "session.created", "session": {**SPEECH, "response_format": "mp3", "expressiveness": 0.5}},
    {"type": "speech.audio.done", "usage": USAGE},
)


@pytest.fixture
def address() -> Iterator[str]:
    def speak(connection: Any) -> None:
        for event in SPOKEN if "/speech/" in connection.request.path else WRITTEN:
            connection.send(json.dumps(event))
        connection.close()

    with server.serve(speak, "127.0.0.1", 0) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.socket.getsockname()[1]}"
        listening.shutdown()
        thread.join()


async def sound() -> AsyncIterator[bytes]:
    yield b"\0\0"


async def written(address: str) -> list[Any]:
    realtime = client(address).audio.realtime
    return [event async for event in realtime.transcribe_stream(sound(), model="voxtral")]


async def spoken(address: str) -> list[Any]:
    audio = client(address).audio
    if not hasattr(audio, "realtime_speech"):
        pytest.skip("this version has none")
    async with await audio.realtime_speech.connect(model="voxtral-tts") as connection:
        return [event async for event in connection]


WAYS = ((written, WRITTEN, "transcription", "voxtral-mini"), (spoken, SPOKEN, "speech", "voxtral-tts"))


@pytest.mark.parametrize(("way", "events", "operation", "model"), WAYS, ids=["written", "spoken"])
def test_its_end_states_the_usage(
    way: Any, events: tuple[Any, ...], operation: str, model: str, address: str, metered: Home
) -> None:
    with tags(team="voice"):
        found = [getattr(event, "type", None) or event.TYPE for event in asyncio.run(way(address))]
    assert found == [event["type"] for event in events]
    line = only(metered)
    assert (line["provider"], line["operation"], line["response_model"]) == ("mistral_ai", operation, model)
    assert (classes(line), line["raw"], line["tags"]) == ({"input": 4, "output": 6}, USAGE, {"team": "voice"})
    assert guard.failures == {}
