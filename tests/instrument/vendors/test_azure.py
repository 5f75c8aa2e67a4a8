"""azure-ai-inference: what the calls of the self-test do not show."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from meter import instrument
from meter.doctor.trials.azure import CHAT, async_client, client
from meter.doctor.trials.trial import OPENAI
from meter.home import Home
from meter.simulator import Simulator
from tests.instrument.vendors.reading import calls, classes, only, settled

inference: Any = pytest.importorskip("azure.ai.inference")
core: Any = pytest.importorskip("azure.core.exceptions")

pytestmark = pytest.mark.filterwarnings("ignore")

OPTION = {"include_usage": True}


def test_who_is_called_and_what_comes_back(metered: Home, sim: Simulator) -> None:
    client(sim.url).complete(**CHAT)
    line = only(metered)
    assert (line["provider"], line["api"], line["request_model"]) == (
        "azure.ai.inference",
        "openai.chat",
        "mistral-large",
    )
    assert line["raw"]["prompt_tokens_details"] == {"cached_tokens": 3, "audio_tokens": 0}
    assert line["server"] == sim.url.removeprefix("http://")
    assert line["key"] == hashlib.sha256(b"sim").hexdigest()[:12]


def test_the_settings_of_a_client_count(metered: Home, sim: Simulator) -> None:
    client(sim.url, model="phi-4").complete(messages=CHAT["messages"])
    client(sim.url, "EmbeddingsClient", model="embed-v4").embed(input=["ping"])
    assert [line["request_model"] for line in calls(metered)] == ["phi-4", "embed-v4"]


def test_a_deployment_is_named_by_the_address(metered: Home, sim: Simulator) -> None:
    client(f"{sim.url}/openai/deployments/ours").complete(messages=CHAT["messages"])
    line = only(metered)
    assert (line["deployment"], line["request_model"]) == ("ours", "ours")


def test_a_body_of_the_callers_own_is_read_and_left_alone(metered: Home, sim: Simulator) -> None:
    body = {**CHAT, "stream": True, "stream_options": OPTION}
    seen = list(client(sim.url).complete(body))
    line = only(metered)
    assert classes(line) == OPENAI and line["request_model"] == "mistral-large"
    assert seen[-1].choices == [] and seen[-1].usage is not None
    list(client(sim.url).complete(body={**CHAT, "stream": True}))
    assert "stream_options" not in sim.requests[-1].body
    assert [line["source"] for line in calls(metered)] == ["reported", "missing"]


def test_usage_is_asked_for_beside_what_the_caller_adds(metered: Home, sim: Simulator) -> None:
    extras = {"safe_prompt": True}
    seen = list(client(sim.url).complete(stream=True, model_extras=extras, **CHAT))
    assert sim.requests[-1].body["stream_options"] == OPTION and sim.requests[-1].body["safe_prompt"] is True
    assert extras == {"safe_prompt": True}
    assert all(event.choices for event in seen) and not any("usage" in event for event in seen)


def test_who_asks_himself_sees_what_he_asked_for(metered: Home, sim: Simulator) -> None:
    seen = list(client(sim.url, model_extras={"stream_options": OPTION}).complete(stream=True, **CHAT))
    assert seen[-1].usage.total_tokens == 18
    assert classes(only(metered)) == OPENAI


def test_a_server_that_refuses_is_asked_again_as_the_caller_wrote_it(metered: Home, sim: Simulator) -> None:
    sim.fault = "refuses-stream-options"
    for _ in range(2):
        assert len(list(client(sim.url).complete(stream=True, **CHAT))) == 5
    assert ["stream_options" in request.body for request in sim.requests] == [True, False, False]
    assert [(line["status"], line["source"]) for line in calls(metered)] == [("ok", "missing")] * 2


@pytest.mark.parametrize("fault", ["unauthorized", "rate-limited", "server-error"])
def test_what_is_refused_is_not_billed(fault: str, metered: Home, sim: Simulator) -> None:
    async def ask() -> Any:
        async with async_client(sim.url) as chat:
            await chat.complete(stream=True, **CHAT)

    sim.fault = fault
    with pytest.raises(core.HttpResponseError):
        client(sim.url).complete(**CHAT)
    with pytest.raises(core.HttpResponseError):
        asyncio.run(ask())
    assert [(line["status"], line["billed"]) for line in calls(metered)] == [("error", False)] * 2


def test_what_was_never_sent_is_not_billed(metered: Home) -> None:
    with pytest.raises(core.ServiceRequestError):
        client("http://127.0.0.1:1").complete(**CHAT)
    assert only(metered)["billed"] is False


def test_a_stream_left_early(metered: Home, sim: Simulator) -> None:
    sim.delay_s = 0.02
    with client(sim.url).complete(stream=True, **CHAT) as stream:
        assert next(stream).choices
        assert isinstance(stream, inference.models.StreamingChatCompletions)
        assert type(stream).__name__ == "StreamingChatCompletions"
    line = settled(metered)
    assert (line["status"], line["source"], line["billed"]) == ("aborted", "missing", True)
    assert line["sent_chars"] == 4


def test_a_stream_under_way_is_metered_to_its_end(home: Home, sim: Simulator) -> None:
    instrument.install()
    try:
        stream = client(sim.url).complete(stream=True, **CHAT)
        next(stream)
    finally:
        instrument.uninstall()
    list(stream)
    assert classes(settled(home)) == OPENAI


def test_embeddings_of_either_half(metered: Home, sim: Simulator) -> None:
    async def embed() -> Any:
        kind = pytest.importorskip("azure.ai.inference.aio").EmbeddingsClient
        key = pytest.importorskip("azure.core.credentials").AzureKeyCredential("sim")
        async with kind(endpoint=sim.url, credential=key) as made:
            return await made.embed(input=["ping"], model="embed-v4")

    assert len(asyncio.run(embed()).data) == 1
    assert classes(only(metered)) == {"input": 11}
