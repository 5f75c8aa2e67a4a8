"""Asking OpenAI chat streams for their usage: seen by the server, hidden from the caller, taken back where it is refused."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import Any, TypeVar

import openai
import pytest

from meter import instrument, settings
from meter.home import Home
from meter.instrument import usage_option
from meter.simulator import Simulator, faults
from meter.simulator.wire import Reply
from tests.instrument.sdks import CHAT, MESSAGES, OPENAI, calls, classes, only

ASKED = {"include_usage": True}


def options_sent(sim: Simulator) -> list[Any]:
    """Return the option of each request that arrived."""
    return [arrival.body.get("stream_options") for arrival in sim.requests]


def read(client: Any, **more: Any) -> list[Any]:
    return list(client.chat.completions.create(**{**CHAT, "stream": True, **more}))


def test_the_server_is_asked_and_the_caller_sees_no_more_chunks(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        chunks = read(client)
    assert options_sent(sim) == [ASKED]
    assert all(chunk.choices for chunk in chunks)
    assert all("usage" not in json.loads(chunk.to_json()) for chunk in chunks)
    assert only(metered)["chunks"] == len(chunks)


def test_the_callers_own_request_stays_as_it_was(metered: Home, sim: Simulator) -> None:
    body = {**CHAT, "stream": True}
    before = copy.deepcopy(body)
    with OPENAI.sync(sim.url) as client:
        stream = client.post(
            "/chat/completions",
            cast_to=openai.types.chat.ChatCompletionChunk,
            body=body,
            stream=True,
            stream_cls=openai.Stream[openai.types.chat.ChatCompletionChunk],
        )
        assert all(chunk.choices for chunk in stream)
    assert body == before
    assert classes(only(metered)) == OPENAI.classes


def test_the_options_of_a_request_are_given_back(metered: Home, sim: Simulator) -> None:
    from openai._models import FinalRequestOptions

    options = FinalRequestOptions.construct(method="post", url="/chat/completions", json_data={**CHAT, "stream": True})
    body = options.json_data
    with OPENAI.sync(sim.url) as client:
        kind = openai.types.chat.ChatCompletionChunk
        list(client.request(kind, options, stream=True, stream_cls=openai.Stream[kind]))  # type: ignore[valid-type]
    assert options.json_data is body
    assert options_sent(sim) == [ASKED]


def test_the_options_of_two_requests_at_once_are_given_back(metered: Home, sim: Simulator) -> None:
    from openai._models import FinalRequestOptions

    options = FinalRequestOptions.construct(method="post", url="/chat/completions", json_data={**CHAT, "stream": True})
    body: Any = options.json_data or {}
    kind = openai.types.chat.ChatCompletionChunk

    async def one(client: Any) -> None:
        stream = await client.request(kind, options, stream=True, stream_cls=openai.AsyncStream[kind])  # type: ignore[valid-type]
        assert all([chunk.choices async for chunk in stream])

    async def two() -> None:
        async with OPENAI.asynchronous(sim.url) as client:
            await asyncio.gather(one(client), one(client))

    asyncio.run(two())
    assert options.json_data is body and body == {**CHAT, "stream": True}
    assert options_sent(sim) == [ASKED, ASKED]
    assert [classes(line) for line in calls(metered)] == [OPENAI.classes] * 2


Event = TypeVar("Event")


class OwnStream(openai.Stream[Event]):
    """A caller's class that makes its own sense of the bytes."""

    def __stream__(self) -> Any:
        for event in self._iter_events():
            if not event.data.startswith("[DONE]"):
                yield json.loads(event.data)


def test_a_stream_class_of_the_callers_own_is_not_asked(metered: Home, sim: Simulator) -> None:
    kind = OwnStream[object]
    with OPENAI.sync(sim.url) as client:
        chunks = list(
            client.post("/chat/completions", cast_to=dict, body={**CHAT, "stream": True}, stream=True, stream_cls=kind)
        )
    assert options_sent(sim) == [None]
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)
    line = only(metered)
    assert (line["status"], line["source"]) == ("ok", "missing")
    assert line["seen_chars"] > 0


@pytest.mark.parametrize("wish", [ASKED, {"include_usage": False}])
def test_who_says_himself_what_he_wants_gets_it(wish: dict[str, bool], metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        chunks = read(client, stream_options=wish)
    assert options_sent(sim) == [wish]
    assert (chunks[-1].usage is not None) == wish["include_usage"]
    assert only(metered)["source"] == ("reported" if wish["include_usage"] else "missing")


def test_so_does_who_says_it_in_the_extra_body(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        chunks = read(client, extra_body={"stream_options": ASKED})
    assert chunks[-1].usage.total_tokens == 18
    assert classes(only(metered)) == OPENAI.classes


def test_azures_own_data_is_never_asked(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        read(client, extra_body={"data_sources": []})
    assert options_sent(sim) == [None]


def test_it_can_be_switched_off(metered: Home, sim: Simulator) -> None:
    settings.configure(include_usage=False)
    with OPENAI.sync(sim.url) as client:
        read(client)
    assert options_sent(sim) == [None]
    line = only(metered)
    assert (line["status"], line["source"]) == ("ok", "missing")
    assert line["sent_chars"] == len(MESSAGES[0]["content"]) and line["seen_chars"] > 0


def test_other_streams_are_not_asked(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        client.chat.completions.create(**CHAT)
        list(client.completions.create(model="gpt-3.5-turbo-instruct", prompt="hello", stream=True))
    assert options_sent(sim) == [None, ASKED]  # legacy completions need it too


def test_a_refusal_is_not_seen_and_not_provoked_again(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        first, second = read(client, model="no-so"), read(client, model="no-so")
    assert options_sent(sim) == [ASKED, None, None]
    assert first[0].choices and second[0].choices
    lines = calls(metered)
    assert [(line["status"], line["source"]) for line in lines] == [("ok", "missing")] * 2
    assert [line.get("attempts") for line in lines] in ([2, 1], [None, None])


def test_an_async_refusal_is_not_seen_either(metered: Home, sim: Simulator) -> None:
    async def run() -> list[Any]:
        async with OPENAI.asynchronous(sim.url) as client:
            stream = await client.chat.completions.create(**{**CHAT, "model": "no-so"}, stream=True)
            return [chunk async for chunk in stream]

    assert asyncio.run(run())[0].choices
    assert options_sent(sim) == [ASKED, None]
    assert len(calls(metered)) == 1


def test_a_refusal_of_something_else_is_raised_without_a_second_try(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client, pytest.raises(openai.BadRequestError):
        read(client, model="bad")
    assert len(sim.requests) == 1
    assert usage_option.refusers == set()


def test_an_error_after_a_refusal_is_the_callers_own(metered: Home, sim: Simulator) -> None:
    sim.fault = "refuses-stream-options"

    def turn(arrival: Any) -> None:
        sim.fault = "server-error"

    with OPENAI.sync(sim.url) as client:
        sim.requests = Watched(turn)
        with pytest.raises(openai.InternalServerError) as raised:
            read(client)
        sim.requests = []
    assert not isinstance(raised.value.__context__, openai.BadRequestError)
    assert only(metered)["error"] == "InternalServerError"


class Watched(list[Any]):
    """A list of what arrived that tells of the second arrival."""

    def __init__(self, tell: Any) -> None:
        super().__init__()
        self._tell = tell

    def append(self, arrival: Any) -> None:
        super().append(arrival)
        if len(self) == 2:
            self._tell(arrival)


def test_an_old_version_of_azure_is_never_asked(metered: Home, sim: Simulator) -> None:
    for version, asked in (("2024-06-01", None), ("2024-10-21", ASKED)):
        with openai.AzureOpenAI(azure_endpoint=sim.url, api_key="k", api_version=version, max_retries=0) as client:
            list(client.chat.completions.create(**CHAT, stream=True))
        assert options_sent(sim)[-1] == asked


def test_a_first_chunk_without_choices_is_kept(metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's first chunk has prompt filters, no choices, and no usage."""
    chunks = events(sim, monkeypatch, [{"choices": [], "prompt_filter_results": []}, {"choices": [CHOICE]}])
    assert len(chunks) == 2


def test_usage_on_the_last_chunk_with_choices_is_read_and_the_chunk_kept(
    metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    last = {"choices": [{**CHOICE, "finish_reason": "stop"}], "usage": usage}
    chunks = events(sim, monkeypatch, [{"choices": [CHOICE]}, last])
    assert [chunk.usage for chunk in chunks][-1].total_tokens == 7
    assert classes(only(metered)) == {"input": 5, "output": 2}


def test_a_usage_chunk_without_the_field_choices_is_hidden(
    metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    chunks = events(sim, monkeypatch, [{"choices": [CHOICE]}, {"usage": usage}])
    assert len(chunks) == 1
    assert classes(only(metered)) == {"input": 5, "output": 2}


def test_usage_in_every_chunk_counts_once_the_last_holds(
    metered: Home, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = [
        {"choices": [CHOICE], "usage": {"prompt_tokens": 5, "completion_tokens": n, "total_tokens": 5 + n}}
        for n in (1, 2, 3)
    ]
    assert len(events(sim, monkeypatch, growing)) == 3
    line = only(metered)
    assert classes(line) == {"input": 5, "output": 3}


CHOICE = {"index": 0, "delta": {"content": "a word"}, "finish_reason": None}


def events(sim: Simulator, monkeypatch: pytest.MonkeyPatch, chunks: list[dict[str, Any]]) -> list[Any]:
    """Let the simulator send these chunks, and read them."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    frames = [b"data: " + json.dumps({**head, **chunk}).encode() + b"\n\n" for chunk in chunks]
    monkeypatch.setattr(faults, "broken", lambda reply, fault: Reply(frames=[*frames, b"data: [DONE]\n\n"]))
    with OPENAI.sync(sim.url) as client:
        return read(client)


def test_dicts_instead_of_objects_are_read_and_mended_too(metered: Home, sim: Simulator) -> None:
    with OPENAI.sync(sim.url) as client:
        ask: Any = {
            "cast_to": object,
            "body": {**CHAT, "stream": True},
            "stream": True,
            "stream_cls": openai.Stream[object],
        }
        chunks: list[Any] = list(client.post("/chat/completions", **ask))
        instrument.uninstall()
        bare: list[Any] = list(client.post("/chat/completions", **ask))
    assert [set(chunk) for chunk in chunks] == [set(chunk) for chunk in bare]
    assert classes(only(metered)) == OPENAI.classes
