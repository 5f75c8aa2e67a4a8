"""The soak: many calls of all kinds at once, through the real SDKs on a transport inside the process.

    python -m tests.soak [--calls 200000]

8 threads and 200 tasks call OpenAI and Anthropic, plain and streamed; some streams are left early. Prints one JSON object: how
many calls were made and recorded, the memory at each tenth (kB, after a collection) with its slope over the second half (bytes a
call), and the descriptors that were open in the middle and at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

THREADS, TASKS, PARTS = 8, 200, 10


def main(calls: int) -> dict[str, Any]:
    """Make the calls, and return what was seen."""
    with tempfile.TemporaryDirectory(prefix="meter-soak-") as folder:
        os.environ["METER_HOME"] = folder
        import meter.auto  # noqa: F401

        made: Counter[str] = Counter()
        memory, descriptors = [], []
        for _ in range(PARTS):
            made += _part(calls // PARTS)
            gc.collect()
            memory.append(_kilobytes())
            descriptors.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        recorded, failures = _recorded(Path(folder))
    half = PARTS // 2
    return {
        "made": sum(made.values()),
        "by_kind": dict(made),
        "recorded": sum(recorded.values()),
        "by_status": dict(recorded),
        "failures": failures,
        "memory_kb": memory,
        "slope_bytes_per_call": round(slope(memory[half:]) * 1024 / (calls / PARTS), 2),
        "descriptors": [descriptors[half], descriptors[-1]],
    }


def _part(calls: int) -> Counter[str]:
    """Make a share of the calls: half by threads, half by tasks, at the same time."""
    made: Counter[str] = Counter()
    lock = threading.Lock()
    waiting = threading.Thread(target=lambda: made.update(asyncio.run(_tasks(calls // 2))))
    waiting.start()

    def work(share: int) -> None:
        mine = Counter(_sync(share))
        with lock:
            made.update(mine)

    with ThreadPoolExecutor(THREADS) as pool:
        for job in [pool.submit(work, (calls - calls // 2) // THREADS) for _ in range(THREADS)]:
            job.result()
    waiting.join()
    return made


def _sync(calls: int) -> Iterator[str]:
    """Make so many calls, and say of each what it was."""
    from tests.bench import cases

    openai, anthropic = cases.canned(cases.CASES[0]), cases.canned(cases.CASES[4])
    ways: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("chat", lambda: openai.chat.completions.create(**cases.CHAT)),
        ("chat stream", lambda: cases.drain(openai.chat.completions.create(**cases.CHAT, stream=True))),
        ("chat left early", lambda: next(iter(openai.chat.completions.create(**cases.CHAT, stream=True)))),
        ("responses", lambda: openai.responses.create(model="gpt-4o-mini", input="ping")),
        ("messages", lambda: anthropic.messages.create(**cases.CLAUDE)),
        ("messages stream", lambda: cases.drain(anthropic.messages.create(**cases.CLAUDE, stream=True))),
        ("raw", lambda: openai.chat.completions.with_raw_response.create(**cases.CHAT).parse()),
    )
    for number in range(calls):
        name, way = ways[number % len(ways)]
        way()
        yield name


async def _tasks(calls: int) -> Counter[str]:
    from tests.bench import cases

    made: Counter[str] = Counter()
    openai, anthropic = cases.canned(cases.CASES[1]), cases.canned(cases.CASES[5])

    async def work(share: int) -> None:
        for number in range(share):
            if number % 4 == 0:
                await openai.chat.completions.create(**cases.CHAT)
            elif number % 4 == 1:
                await cases.adrain(openai.chat.completions.create(**cases.CHAT, stream=True))
            elif number % 4 == 2:
                await anthropic.messages.create(**cases.CLAUDE)
            else:
                async for _ in await anthropic.messages.create(**cases.CLAUDE, stream=True):
                    break
            made["async"] += 1

    await asyncio.gather(*(work(calls // TASKS) for _ in range(TASKS)))
    await openai.close()
    await anthropic.close()
    return made


def _recorded(home: Path) -> tuple[Counter[str], dict[str, int]]:
    from meter import guard, recorder

    gc.collect()
    recorder.close()
    found: Counter[str] = Counter()
    for segment in (home / "spool").glob("*.ndjson"):
        with segment.open("rb") as file:
            for line in file:
                if b'"kind":"call"' in line:
                    found[json.loads(line)["status"]] += 1
    return found, dict(guard.failures)


def slope(values: list[int]) -> float:
    """Return the least-squares slope of values at equal distances."""
    middle = (len(values) - 1) / 2
    mean = sum(values) / len(values)
    above = sum((at - middle) * (value - mean) for at, value in enumerate(values))
    return above / sum((at - middle) ** 2 for at in range(len(values)))


def _kilobytes() -> int:
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.soak", description="Many calls of all kinds at once.")
    parser.add_argument("--calls", type=int, default=200_000, metavar="N")
    sys.stdout.write(json.dumps(main(parser.parse_args().calls), indent=1) + "\n")
