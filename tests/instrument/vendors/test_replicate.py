"""Replicate's SDK: predictions that go on after the reply, and what the calls of the self-test do not show."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest

from meter import guard, tags
from meter.doctor.trials.replicate import MODEL, PROMPT, USAGE, client
from meter.home import Home
from meter.simulator import Simulator
from tests.instrument.vendors.reading import calls, classes, only

replicate: Any = pytest.importorskip("replicate")
httpx: Any = pytest.importorskip("httpx")

pytestmark = pytest.mark.filterwarnings("ignore")


def begun(made: Any, **more: Any) -> Any:
    return made.models.predictions.create(MODEL, input=PROMPT, **more)


def answering(*bodies: dict[str, Any]) -> Any:
    """Return a client that gets these answers, one after the other."""
    left = list(bodies)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=left.pop(0)))
    return replicate.Client(api_token="sim", transport=transport)


def prediction(status: str, **more: Any) -> dict[str, Any]:
    """Return a prediction as it comes over the wire."""
    common = {"id": "p-1", "model": MODEL, "version": "v", "created_at": "2026-01-02T03:04:05.678901234Z"}
    empty = dict.fromkeys(("input", "output", "logs", "error", "started_at", "completed_at", "urls"))
    return {**common, **empty, "status": status, "metrics": None, **more}


def test_who_is_called_and_what_comes_back(metered: Home, sim: Simulator) -> None:
    client(sim.url).run(MODEL, input=PROMPT)
    line = only(metered)
    assert (line["provider"], line["api"], line["request_model"]) == ("replicate", "replicate.predictions", MODEL)
    assert line["raw"] == {"predict_time": 0.25, "input_token_count": 8, "output_token_count": 5}
    assert line["key"] == hashlib.sha256(b"sim").hexdigest()[:12]
    assert line["server"] == sim.url.removeprefix("http://")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_prediction_that_goes_on_is_recorded_once_when_it_is_over(
    is_async: bool, metered: Home, sim: Simulator
) -> None:
    async def wait(found: Any) -> None:
        await found.async_wait()
        await found.async_reload()

    made = client(sim.url)
    made.poll_interval = 0.01
    with tags(team="search"):
        found = begun(made)
    if is_async:
        asyncio.run(wait(found))
    else:
        found.wait()
        found.reload()
    first, second = sorted(calls(metered), key=lambda line: line["source"])
    assert (first["source"], first["billed"], first.get("usage")) == ("missing", False, None)
    assert "sent_chars" not in first
    assert (second["source"], classes(second), second["tags"]) == ("reported", USAGE, {"team": "search"})
    assert (second["request_model"], second["ts"]) == ("meta/llama", 1_767_323_045_678_901)


def test_what_was_told_at_once_is_not_told_again(metered: Home, sim: Simulator) -> None:
    found = begun(client(sim.url), wait=True)
    found.reload()
    assert classes(only(metered)) == USAGE


def test_a_prediction_of_someone_else_is_not_ours(metered: Home, sim: Simulator) -> None:
    client(sim.url).predictions.get("elsewhere")
    assert calls(metered) == []


def test_a_stream_states_nothing(metered: Home, sim: Simulator) -> None:
    begun(client(sim.url), stream=True)
    line = only(metered)
    assert (line["source"], line.get("billed"), line["sent_chars"]) == ("missing", None, 4)


def test_a_prediction_that_failed_may_be_billed(metered: Home) -> None:
    made = answering(prediction("failed", error="out of memory", metrics={"predict_time": 1.5}))
    assert begun(made, wait=True).status == "failed"
    line = only(metered)
    assert (line["status"], line["billed"], line["provider"]) == ("error", True, "replicate")
    assert "memory" not in str(line)
    assert classes(line) == {"requests": 1}


def test_a_prediction_that_is_cancelled_is_over(metered: Home) -> None:
    made = answering(prediction("starting"), prediction("canceled", metrics={"predict_time": 0.5, "image_count": 1}))
    begun(made).cancel()
    assert [classes(line) for line in calls(metered)] == [{"images": 1, "requests": 1}, {}]
    assert not [name for name in guard.failures if "usage" in name]


def test_a_deployment_is_named_by_the_address(metered: Home) -> None:
    made = answering(prediction("succeeded", metrics={"predict_time": 0.5}))
    made.deployments.predictions.create("ours/chat", input=PROMPT)
    line = only(metered)
    assert (line["deployment"], line.get("request_model"), line["response_model"]) == ("ours/chat", None, MODEL)


@pytest.mark.parametrize("fault", ["bad-request", "unauthorized", "server-error"])
def test_what_is_refused_is_not_billed(fault: str, metered: Home, sim: Simulator) -> None:
    sim.fault = fault
    with pytest.raises(replicate.exceptions.ReplicateError):
        begun(client(sim.url))
    with pytest.raises(replicate.exceptions.ReplicateError):
        asyncio.run(client(sim.url).async_run(MODEL, input=PROMPT))
    assert [(line["status"], line["billed"]) for line in calls(metered)] == [("error", False)] * 2


def test_what_was_never_sent_is_not_billed(metered: Home) -> None:
    with pytest.raises(httpx.ConnectError):
        begun(client("http://127.0.0.1:1"))
    assert only(metered)["billed"] is False
