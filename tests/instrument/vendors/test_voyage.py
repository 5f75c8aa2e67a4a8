"""Voyage AI's SDK: what the calls of the self-test do not show."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from meter import guard
from meter.doctor.trials import voyage as trials
from meter.home import Home
from meter.providers import hosts
from meter.simulator import Simulator
from tests.instrument.vendors.reading import calls, classes, only

voyageai: Any = pytest.importorskip("voyageai")

pytestmark = pytest.mark.filterwarnings("ignore")

EMBED: dict[str, Any] = {"texts": ["ping"], "model": "voyage-3"}


def client(url: str, kind: str = "Client", **more: Any) -> Any:
    return trials.client(url, kind, api_key="voyage-key", **more)


def test_who_is_called_and_what_comes_back(metered: Home, sim: Simulator) -> None:
    client(sim.url).embed(**EMBED)
    line = only(metered)
    assert (line["provider"], line["api"], line["operation"]) == ("voyage", "voyage.embeddings", "embeddings")
    assert (line["request_model"], line["response_model"]) == ("voyage-3", "voyage-3")
    assert line["raw"] == {"total_tokens": 11}
    assert line["usage"] == {"input": 11, "output": 0}
    assert line["server"] == sim.url.removeprefix("http://")
    assert line["key"] == hashlib.sha256(b"voyage-key").hexdigest()[:12]
    assert not [name for name in guard.failures if name.startswith("unmetered")]


def test_images_are_told_from_text(metered: Home, sim: Simulator) -> None:
    sim.usage["voyage.embeddings"] = {"text_tokens": 5, "image_pixels": 0, "video_pixels": 2240, "total_tokens": 9}
    client(sim.url).multimodal_embed([["ping"]], model="voyage-multimodal-3.5")
    assert classes(only(metered)) == {"input": 5, "input_video": 4, "pixels": 2240}


@pytest.mark.parametrize("fault", ["unauthorized", "rate-limited", "server-error", "overloaded"])
def test_what_is_refused_is_not_billed(fault: str, metered: Home, sim: Simulator) -> None:
    sim.fault = fault
    with pytest.raises(Exception):  # noqa: B017 - whatever the SDK makes of it
        client(sim.url).embed(**EMBED)
    with pytest.raises(Exception):  # noqa: B017
        asyncio.run(client(sim.url, "AsyncClient").embed(**EMBED))
    assert [(line["status"], line["billed"]) for line in calls(metered)] == [("error", False)] * 2


def test_what_was_never_sent_is_not_billed(metered: Home) -> None:
    with pytest.raises(voyageai.error.APIConnectionError):
        client("http://127.0.0.1:1").embed(**EMBED)
    with pytest.raises(voyageai.error.APIConnectionError):
        asyncio.run(client("http://127.0.0.1:1", "AsyncClient").embed(**EMBED))
    assert [(line["status"], line["billed"]) for line in calls(metered)] == [("error", False)] * 2


def test_a_time_out_may_be_billed(metered: Home, sim: Simulator) -> None:
    sim.fault = "stall"
    with pytest.raises(voyageai.error.Timeout):
        client(sim.url, timeout=0.2).embed(**EMBED)
    assert only(metered)["billed"] is True


def test_each_attempt_is_a_request_of_its_own(metered: Home, sim: Simulator) -> None:
    sim.fault = "rate-limited-once"
    client(sim.url, max_retries=2).embed(**EMBED)
    assert [(line["status"], line.get("billed")) for line in calls(metered)] == [("error", False), ("ok", None)]


def test_an_answer_without_usage_is_unknown(metered: Home, sim: Simulator) -> None:
    sim.fault = "no-usage"
    with pytest.raises(AttributeError):  # the SDK wants it, too
        client(sim.url).embed(**EMBED)
    assert (only(metered)["source"], only(metered).get("usage")) == ("missing", None)


def test_the_other_address_is_the_same_provider() -> None:
    assert hosts.find("ai.mongodb.com", None, "voyage") == ("voyage", None)
