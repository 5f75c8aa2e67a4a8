"""Batches of the Gemini API: each line is a call at the batch tier, with the tags of whoever made it."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meter import guard, tags
from meter.doctor.trials import google
from meter.home import Home
from meter.simulator import Simulator
from tests.instrument.vendors.reading import Line, calls, classes

pytest.importorskip("google.genai")

pytestmark = pytest.mark.filterwarnings("ignore")

USAGE = {"input": 8, "cache_read": 3, "output": 5, "reasoning": 2}
GEMINI = "gemini-2.5-flash"


def gemini(url: str, tmp_path: Path, source: Any, read: Callable[[Any, Any, Path], Any]) -> str:
    client = google.client(url)
    with tags(team="search"):
        made = client.batches.create(model=GEMINI, src=source)
    with tags(team="night shift"):
        done = client.batches.get(name=made.name)
        read(client, done.dest, tmp_path / "results.jsonl")
    return str(made.name)


async def gemini_async(url: str, source: Any) -> None:
    client = google.client(url)
    with tags(team="search"):
        made = await client.aio.batches.create(model=GEMINI, src=source)
    done = await client.aio.batches.get(name=made.name)
    if done.dest.file_name:
        assert await client.aio.files.download(file=done.dest.file_name)


def inline(client: Any, dest: Any, place: Path) -> Any:
    assert len(dest.inlined_responses) == 3


def file(client: Any, dest: Any, place: Path) -> Any:
    assert client.files.download(file=dest.file_name)


def to_path(client: Any, dest: Any, place: Path) -> Any:
    _writing(client, dest, place)
    assert place.read_bytes().count(b"\n") == 3


def to_buffer(client: Any, dest: Any, place: Path) -> Any:
    target = io.BytesIO()
    _writing(client, dest, target)
    assert target.getvalue().count(b"\n") == 3


def _writing(client: Any, dest: Any, target: Any) -> None:
    try:
        client.files.download(file=dest.file_name, destination=target)
    except TypeError:
        pytest.skip("this version only returns what it reads")


REQUESTS = [{"contents": [{"parts": [{"text": "ping"}], "role": "user"}]}]
FILE = "files/input"


def told(lines: list[Line]) -> list[tuple[Any, ...]]:
    return [
        (line["response_model"], line["tier"], line.get("tags"), line["context"], classes(line))
        for line in sorted(lines, key=lambda line: str(line["response_model"]))
    ]


def stated(*models: str) -> list[tuple[Any, ...]]:
    return [(model, "batch", {"team": "search"}, {"processing": "batch"}, USAGE) for model in models]


@pytest.mark.parametrize(("source", "read"), [(REQUESTS, inline), (FILE, file), (FILE, to_path), (FILE, to_buffer)])
def test_each_line_of_geminis_is_a_call_of_whoever_made_the_batch(
    source: Any, read: Any, metered: Home, sim: Simulator, tmp_path: Path
) -> None:
    gemini(sim.url, tmp_path, source, read)
    assert told(calls(metered)) == stated(GEMINI, "gemini-2.5-pro")
    assert {line["provider"] for line in calls(metered)} == {"gcp.gemini"}
    assert {line["ts"] for line in calls(metered)} == {1_763_000_000_000_000}


@pytest.mark.parametrize("source", [REQUESTS, FILE])
def test_those_of_the_asynchronous_client_too(source: Any, metered: Home, sim: Simulator) -> None:
    asyncio.run(gemini_async(sim.url, source))
    assert told(calls(metered)) == stated(GEMINI, "gemini-2.5-pro")


@pytest.mark.parametrize(("source", "read"), [(REQUESTS, inline), (FILE, file)])
def test_reading_twice_counts_once_also_from_another_process(
    source: Any, read: Any, metered: Home, sim: Simulator, tmp_path: Path
) -> None:
    name = gemini(sim.url, tmp_path, source, read)
    code = f"""
import meter.auto
from meter.doctor.trials import google
client = google.client({sim.url!r})
for _ in range(2):
    done = client.batches.get(name={name!r})
    if done.dest.file_name:
        client.files.download(file=done.dest.file_name)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert len(calls(metered)) == 6
    assert len({line["id"] for line in calls(metered)}) == 2
    assert {str(line["tags"]) for line in calls(metered)} == {"{'team': 'search'}"}


def test_a_video_is_none_of_ours(metered: Home, sim: Simulator, tmp_path: Path) -> None:
    assert google.client(sim.url).files.download(file="files/video").startswith(b"\0")
    assert calls(metered) == [] and guard.failures == {}


def test_what_vertex_makes_lies_elsewhere(metered: Home, sim: Simulator) -> None:
    client = google.client(sim.url, vertexai=True)
    sim.fault = "not-found"
    with pytest.raises(Exception, match="404"):
        client.batches.get(name="projects/p/locations/l/batchPredictionJobs/1")
    assert calls(metered) == [] and guard.failures == {}
