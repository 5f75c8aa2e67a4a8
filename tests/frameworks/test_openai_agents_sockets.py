"""openai-agents' own sockets, over a real WebSocket on loopback."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from meter import guard, tags
from tests.frameworks.account import OPENAI, Account, framework
from tests.instrument.vendors.reading import classes, only

agents = framework("agents", "openai-agents-sockets")
realtime = framework("agents.realtime.openai_realtime", "openai-agents-sockets")
server = framework("websockets.sync.server", "openai-agents-sockets")

pytestmark = pytest.mark.filterwarnings("ignore")

TURN = {"total_tokens": 9, "input_tokens": 5, "output_tokens": 4, "output_token_details": {"audio_tokens": 3}}
SPOKEN: tuple[dict[str, Any], ...] = (
    {"type": "session.created", "event_id": "e0", "session": {"type": "realtime", "model": "gpt-realtime"}},
    {"type": "response.done", "event_id": "e1", "response": {"id": "resp_1", "status": "completed", "usage": TURN}},
)
USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 18,
}


def reply(status: str, usage: Any = None) -> dict[str, Any]:
    text = {"type": "output_text", "text": "pong", "annotations": []}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    common = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5", "output": [message]}
    more = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    return {**common, **more, "status": status, "usage": usage}


WRITTEN: tuple[dict[str, Any], ...] = (
    {"type": "response.created", "sequence_number": 0, "response": reply("in_progress")},
    {"type": "response.completed", "sequence_number": 1, "response": reply("completed", USAGE)},
)


@pytest.fixture
def address() -> Iterator[str]:
    def speak(connection: Any) -> None:
        is_realtime = "realtime" in connection.request.path
        for _ in connection:
            for event in SPOKEN if is_realtime else WRITTEN:
                connection.send(json.dumps(event))

    with server.serve(speak, "127.0.0.1", 0) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{listening.socket.getsockname()[1]}/v1"
        listening.shutdown()
        thread.join()


async def run(address: str, streamed: bool) -> str:
    import openai

    agents.set_tracing_disabled(True)
    client = openai.AsyncOpenAI(api_key="sim", websocket_base_url=address)
    model = agents.OpenAIResponsesWSModel("gpt-5", client)
    agent = agents.Agent("host", model=model)
    with tags(team="search"):
        if streamed:
            result = agents.Runner.run_streamed(agent, "ping")
            async for _ in result.stream_events():
                pass
        else:
            result = await agents.Runner.run(agent, "ping")
    await model.close()
    return str(result.final_output)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_response_over_a_socket_is_a_call(streamed: bool, address: str, account: Account) -> None:
    assert account.run(run(address, streamed)) == "pong"
    line = only(account.home)
    assert (line["api"], line["status"], line["source"], line["stream"]) == ("openai.responses", "ok", "reported", True)
    assert (line["request_model"], line["response_model"], line["response_id"]) == ("gpt-5", "gpt-5", "resp_1")
    assert (classes(line), line["tags"]) == (OPENAI, {"team": "search"})
    assert guard.failures == {}


async def speak(address: str) -> None:
    model = realtime.OpenAIRealtimeWebSocketModel()
    with tags(team="voice"):
        await model.connect({"api_key": "sim", "url": f"{address}/realtime", "initial_model_settings": {}})
        await asyncio.sleep(0.5)
    await model.close()


def test_a_spoken_response_is_a_call(address: str, account: Account) -> None:
    account.run(speak(address))
    line = only(account.home)
    assert (line["api"], line["response_model"], line["tags"]) == ("openai.realtime", "gpt-realtime", {"team": "voice"})
    assert classes(line) == {"input": 5, "output": 1, "output_audio": 3}
    assert guard.failures == {}
