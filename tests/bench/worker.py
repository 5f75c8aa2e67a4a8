"""Runs in an environment of its own and prints one JSON object: `python -m tests.bench.worker '{"job": "calls", ...}'`.

Jobs: `calls` times every case in every arm; `memory` makes one arm's calls and tells how the process grew. Besides the SDK and
the tool under test only the standard library is imported.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import json
import os
import socket
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import patches
from tests.bench.cases import CASES, Case, block
from tests.bench.timing import summarise, take_turns
from tests.bench.tools import INSTALL, TOOLS

TOLD = ("openai", "anthropic", "httpx", "httpx2", "wrapt", "opentelemetry-sdk", *TOOLS)
"""Packages whose versions stand beside the figures."""


def main(order: dict[str, Any]) -> dict[str, Any]:
    fence()
    jobs: dict[str, Callable[..., dict[str, Any]]] = {
        "calls": calls,
        "families": families,
        "plain": plain,
        "memory": memory,
    }
    return jobs[order.pop("job")](**order)


def fence() -> None:
    """Refuse every connection that leaves the machine, whatever a tool tries."""

    class Fenced(socket.socket):
        def connect(self, address: Any) -> None:
            if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
                raise ConnectionRefusedError(f"the bench contacts nothing but loopback, not {address[0]}")
            super().connect(address)

    socket.socket = Fenced  # type: ignore[misc]


def calls(arms: list[str], turns: int, size: int, only: str = "") -> dict[str, Any]:
    """Time each case in each arm (`bare` first)."""
    cases = [case for case in CASES if only in case.name and importlib.util.find_spec(case.sdk)]
    return timed(cases, arms, turns, size)


def families(turns: int, size: int, only: Sequence[str]) -> dict[str, Any]:
    """Time a call and a stream of every SDK that is installed, bare and metered."""
    from meter.simulator import Simulator
    from tests.bench import families

    with Simulator() as sim:
        cases = families.cases(sim, only)
        absent = sorted(set(only) - {case.sdk for case in cases})
        found = timed(cases, ["bare", "meter"], turns, size) | {"absent": absent}
    if silent := [name for name, case in found["cases"].items() if not case["spooled"]]:
        raise SystemExit(f"nothing was recorded of {', '.join(silent)}: there is nothing to time")
    return found


def plain(arm: str, turns: int, size: int) -> dict[str, Any]:
    """Time requests that no SDK makes, bare and with the net under them."""
    from tests.bench import plain

    absent = [library for library in plain.LIBRARIES if not importlib.util.find_spec(library)]
    return timed(plain.cases(), ["bare", arm], turns, size) | {"absent": absent}


def timed(cases: Sequence[Case], arms: list[str], turns: int, size: int) -> dict[str, Any]:
    """Time cases. A tool that changes nothing of the SDK is an error, not a tool without cost."""
    loop = asyncio.new_event_loop()
    blocks = {case.name: block(case, loop) for case in cases}
    for warm in blocks.values():
        warm(1)  # imports all that the SDK imports lazily, before its attributes are compared
    switches = switchboard(arms, {*patches.OWNERS, *(case.sdk.partition(".")[0] for case in cases)})
    results = {}
    for case in cases:
        per_block, before = max(size // 10, 2) if case.chunks else size, spooled()
        times = take_turns(switches, blocks[case.name], turns=turns, size=per_block, note=tick)
        results[case.name] = {"sdk": case.sdk, "chunks": case.chunks, "arms": summarise(times, "bare")}
        results[case.name]["spooled"] = spooled() - before
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    return {"cases": results, "versions": versions(), "calls": turns * size}


def spooled() -> int:
    """Return the bytes that were recorded so far."""
    home = Path(os.environ.get("METER_HOME", "."))
    return sum(segment.stat().st_size for segment in (home / "spool").glob("*.ndjson"))


def switchboard(arms: list[str], owners: Collection[str]) -> dict[str, Callable[[], None]]:
    """Install each arm's tool in turn, and return what puts the process into each arm's state."""
    bare = patches.attributes(owners)
    forth: dict[str, list[patches.Patch]] = {}
    undo: list[patches.Patch] = []
    for arm in arms:
        INSTALL[arm]()
        forth[arm], back = patches.changes(bare, patches.attributes(owners))
        patches.apply(back)
        undo += back
        if not forth[arm] and arm != "bare":
            raise SystemExit(f"{arm} changed nothing in the SDK: there is nothing to time")

    return {arm: partial(patches.apply, undo + forth[arm]) for arm in arms}


def memory(arm: str, calls: int, sdk: str = "") -> dict[str, Any]:
    """Return the resident bytes after the SDK's import and the arm's installation, after one call, and after many."""
    with ExitStack() as stack:
        case = _of_family(sdk, stack) if sdk else next(case for case in CASES if case.name == "chat create")
        INSTALL[arm]()
        run = block(case, asyncio.new_event_loop())
        first = _grown(run, 1)
        return {"first": first, "last": _grown(run, calls)}


def _of_family(sdk: str, stack: ExitStack) -> Case:
    from meter.simulator import Simulator
    from tests.bench import families

    return families.cases(stack.enter_context(Simulator()), [sdk])[0]


def _grown(run: Callable[[int], list[int]], count: int) -> int:
    for _ in range(count):
        run(1)
    gc.collect()
    return resident_bytes()


def resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import resource  # the peak, in bytes, on macOS

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def versions() -> dict[str, str]:
    from importlib.metadata import distributions

    found = {dist.metadata["Name"]: dist.version for dist in distributions()}
    return {name: found[name] for name in TOLD if name in found} | {"python": sys.version.split()[0]}


def tick() -> None:
    """Tell the parent that one more block is done."""
    sys.stderr.write("\0")
    sys.stderr.flush()


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
