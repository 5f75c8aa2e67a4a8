"""What one record costs the calling thread: building, encoding and appending the event, against a bare `os.write`.

The steps are below the clock's reach, so each timing is of a batch of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from meter import attribution, event, recorder, settings
from tests.bench import traffic
from tests.bench.timing import summarise, take_turns

BATCH = 100
BASE = "os.write of the same bytes"


def measure(home: Path, turns: int, size: int, note: Callable[[], None]) -> dict[str, Any]:
    """Return the figures of each step, per record."""
    settings.configure(home=str(home))
    _, sample = next(traffic.calls(1, traffic.FULL))
    line = event.encode(sample)
    plain = os.open(home.with_suffix(".plain"), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    recorder.write(sample)
    spool = recorder.spool()
    assert spool is not None, "the spool could not be opened"
    try:
        with attribution.tags(team="search", feature="answers", customer="acme"):
            steps: dict[str, Callable[[], Any]] = {
                BASE: lambda: os.write(plain, b"\n" + line + b"\n"),
                "start a call (id, time, tags)": recorder.start,
                "encode the line": lambda: event.encode(sample),
                "append it to the spool": lambda: spool.append(line),
                "recorder.write: all but start": lambda: recorder.write(sample),
                "meter.record: all": lambda: recorder.record(
                    provider="openai", model="gpt-4o", usage={"input": 9, "output": 5}
                ),
            }
            times = take_turns(*stepwise(steps), turns=turns, size=size, note=note)
    finally:
        os.close(plain)
        recorder.close()
        settings.reset()
    return {"line_bytes": len(line), "steps": summarise(times, BASE)}


def stepwise(steps: dict[str, Callable[[], Any]]) -> tuple[dict[str, Callable[[], None]], Callable[[int], list[int]]]:
    """Return arms that choose a step, and the block that times batches of the chosen one."""
    chosen = next(iter(steps.values()))
    clock = time.perf_counter_ns

    def choose(step: Callable[[], Any]) -> Callable[[], None]:
        def put() -> None:
            nonlocal chosen
            chosen = step

        return put

    def block(count: int) -> list[int]:
        step, times = chosen, []
        for _ in range(count):
            begin = clock()
            for _ in range(BATCH):
                step()
            times.append((clock() - begin) // BATCH)
        return times

    return {name: choose(step) for name, step in steps.items()}, block
