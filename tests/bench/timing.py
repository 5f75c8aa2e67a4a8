"""Arms that take turns, and figures that survive a noisy machine.

An arm is a state of the process (the bare SDK, Meter, another tool). Arms run the same calls in small blocks, one after the
other, in an order that rotates; garbage is collected between blocks and never inside one. What an arm adds is the median, over
the turns, of the difference between its block's median and the bare arm's block in the same turn: slow drift of the machine
cancels out. Only the standard library is used here: the file also runs in the environments of other tools.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median, quantiles

Block = Callable[[int], list[int]]
"""Runs a number of calls and returns the nanoseconds of each."""

BEST = 10
"""Percentile of the calls that nobody disturbed, even on a busy machine."""

WARM = 3
"""Untimed calls before each block: swapping an arm empties the interpreter's attribute caches."""


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    gc.collect(0)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def take_turns(
    arms: Mapping[str, Callable[[], None]],
    block: Block,
    *,
    turns: int,
    size: int,
    note: Callable[[], None] = lambda: None,
) -> dict[str, list[list[int]]]:
    """Run a block of calls in every arm, turn after turn. `arms` maps an arm's name to what puts the process into that state."""
    names = list(arms)
    times: dict[str, list[list[int]]] = {name: [] for name in names}
    gc.collect()
    gc.freeze()
    for turn in range(turns):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            arms[name]()
            block(WARM)
            with no_garbage_collection():
                times[name].append(block(size))
            note()
    gc.unfreeze()
    return times


def summarise(times: Mapping[str, list[list[int]]], base: str) -> dict[str, dict[str, float]]:
    """Return, per arm and in microseconds: median, p99, and what the arm adds to the base with its quartiles over the turns."""
    base_medians = [median(block) for block in times[base]]
    figures: dict[str, dict[str, float]] = {}
    for name, blocks in times.items():
        calls = [ns for block in blocks for ns in block]
        added = [median(block) - bare for block, bare in zip(blocks, base_medians, strict=True)]
        low, middle, high = quartiles(added)
        figures[name] = {"median": median(calls) / 1000, "p99": percentile(calls, 99) / 1000}
        if name != base:
            figures[name] |= {"added": middle / 1000, "added_low": low / 1000, "added_high": high / 1000}
            figures[name]["added_at_best"] = (
                percentile(calls, BEST) - percentile([ns for block in times[base] for ns in block], BEST)
            ) / 1000
    return figures


def quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return low, middle, high


def percentile(values: list[int], rank: int) -> int:
    return sorted(values)[min(len(values) - 1, len(values) * rank // 100)]
