"""The sections of the bench on the write side: each runs its arms and returns one table."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.bench import append, processes
from tests.bench.timing import BEST
from tests.bench.tools import REQUIREMENTS, SDKS

HERE = Path(sys.executable)
MIB = 1 << 20
BUDGET = {"call_us": 10.0, "chunk_us": 1.0, "import_ms": 40.0, "memory_mib": 5.0, "ignored_us": 2.0, "wire_us": 30.0}


FAMILIES = {
    **dict.fromkeys(("groq", "google.genai", "boto3", "ollama", "azure.ai.inference", "ai21"), ""),
    "mistralai": "client.sdk",
    "cohere": "client_v2",
    "huggingface_hub": "inference._client",
    **dict.fromkeys(("ibm_watsonx_ai", "litellm", "xai_sdk", "voyageai", "replicate"), ""),
}
"""SDKs of each family, and the module that holds the client where importing the SDK imports nothing."""


class Options(NamedTuple):
    """How much is run. The defaults take some ten minutes on two cores; quick ones show that everything works."""

    turns: int = 40
    size: int = 50
    starts: int = 21
    memory_calls: int = 10_000
    repeats: int = 3
    calls: int = 300_000
    millions: tuple[float, ...] = (1, 10)
    tools: tuple[str, ...] = tuple(REQUIREMENTS)
    families: tuple[str, ...] = tuple(FAMILIES)


QUICK = Options(turns=8, size=20, starts=5, memory_calls=1000, repeats=1, calls=60_000, millions=(0.1,))


class Table(NamedTuple):
    """What a section found: rows for people, data for machines."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: list[str]
    data: Any


Note = Callable[[], None]
Section = Callable[[Options, Note], Table]


def calls(options: Options, note: Note) -> Table:
    """Meter against the bare SDK, in this environment."""
    found = processes.work(HERE, note, job="calls", arms=["bare", "meter"], turns=options.turns, size=options.size)
    notes = ["usage not asked for: Meter asks, so the SDK also parses the usage chunk that it would not have got"]
    return beside_bare("A call, in process", found, options, notes)


def families(options: Options, note: Note) -> Table:
    """Meter against the bare SDK, one of each family."""
    python = processes.sdks()
    only = ("openai", "anthropic", *options.families)
    found = processes.work(python, note, job="families", turns=options.turns // 2, size=options.size, only=only)
    notes = [f"{sdk} skipped: not installed in {python.parts[-3]}" for sdk in found["absent"]]
    return beside_bare("A call of each family of SDKs, in process", found, options, notes)


def wire(options: Options, note: Note) -> Table:
    """Requests that no SDK makes, with the net under them: as it is by default, and with what it sees read."""
    python, rows, data = processes.sdks(), [], {}
    for arm, state in (("meter", "counted"), ("wire", "read")):
        found = data[arm] = processes.work(
            python, note, job="plain", arm=arm, turns=options.turns // 2, size=options.size * 2
        )
        rows += [
            (name, state, f"{case['arms']['bare']['median']:.1f}", *added(case, arm), per_chunk(case, arm))
            for name, case in found["cases"].items()
            if "streamed" not in name or arm == "wire"
        ]
    columns = ("µs", "calls to known hosts are", "bare", "added (quartiles)", "at best", "a chunk")
    notes = [f"budget: {BUDGET['ignored_us']:.0f} µs for what is ignored, {BUDGET['wire_us']:.0f} µs for what is read"]
    notes += [f"{library} skipped: not installed in {python.parts[-3]}" for library in found["absent"]]
    return Table("Requests that no SDK makes, in process", columns, rows, notes, data)


def beside_bare(title: str, found: dict[str, Any], options: Options, notes: list[str]) -> Table:
    """Return what Meter adds to each case."""
    rows = [
        (
            name if name.startswith(case["sdk"]) else f"{case['sdk']}: {name}",
            *(f"{case['arms'][arm][figure]:.1f}" for arm in ("bare", "meter") for figure in ("median", "p99")),
            *added(case, "meter"),
            f"{100 * case['arms']['meter']['added'] / case['arms']['bare']['median']:+.1f} %",
            per_chunk(case, "meter"),
        )
        for name, case in found["cases"].items()
    ]
    columns = ("µs", "bare", "p99", "with Meter", "p99", "added (quartiles)", "at best", "", "a chunk")
    notes = [
        f"{found['calls']} calls an arm (a tenth for streams), in blocks of {options.size}; {versions(found)}",
        f"budget: {BUDGET['call_us']:.0f} µs a call, {BUDGET['chunk_us']:.0f} µs a chunk (what a stream adds, over its chunks)",
        f"at best: the difference of the arms' {BEST}th percentiles, which a busy machine hardly moves",
        *notes,
    ]
    return Table(title, columns, rows, notes, found)


def tools(options: Options, note: Note) -> Table:
    """Each tool, and Meter beside it, against the bare SDK in the tool's own environment."""
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    data: dict[str, Any] = {}
    for tool, python in environments(options, notes):
        try:
            arms = ["bare", tool, "meter"]
            found = data[tool] = processes.work(
                python, note, job="calls", arms=arms, turns=options.turns // 2, size=options.size
            )
        except processes.Unavailable as why:
            notes.append(f"{tool} skipped: {why}")
            continue
        notes.append(f"{tool}: {versions(found)}")
        rows += [
            (
                tool,
                name,
                f"{case['arms']['bare']['median']:.0f}",
                *(
                    f"{case['arms'][arm][figure]:+.1f}"
                    for arm in (tool, "meter")
                    for figure in ("added", "added_at_best")
                ),
                per_chunk(case, tool),
                per_chunk(case, "meter"),
            )
            for name, case in found["cases"].items()
            if case["sdk"] == "openai"
        ]
    columns = ("tool", "µs", "bare", "the tool adds", "at best", "Meter adds", "at best", "a chunk: tool", "Meter")
    return Table("Other tools", columns, rows, notes, data)


def startup(options: Options, note: Note) -> Table:
    """Seconds of import beyond the SDK's own, each start in a fresh process, arms in turn."""
    notes: list[str] = []
    todo: list[tuple[str, Path, str]] = [("meter", HERE, sdk) for sdk in (*SDKS, "")]
    todo += [(tool, python, "openai") for tool, python in environments(options, notes)]
    todo += [("meter", processes.sdks(), sdk) for sdk in options.families]
    rows, data = [], {}
    for arm, python, sdk in todo:
        starts = max(options.starts // 3, 1) if sdk in FAMILIES else options.starts
        try:
            pairs = []
            for turn in range(starts + 1):
                order = ("bare", arm) if turn % 2 else (arm, "bare")
                module = f"{sdk}.{later}" if (later := FAMILIES.get(sdk)) else sdk
                seconds = {name: processes.startup(python, name, module) for name in order}
                pairs.append((seconds["bare"] * 1000, seconds[arm] * 1000))
                note()
        except processes.Unavailable as why:
            notes.append(f"{arm}, {sdk} skipped: {str(why).splitlines()[-1]}")
            continue
        bare, both = zip(*pairs[1:], strict=True)  # the first start may compile
        beyond = median(b - a for a, b in pairs[1:])
        data[f"{arm}/{sdk or 'no SDK'}"] = {"bare_ms": median(bare), "with_ms": median(both), "beyond_ms": beyond}
        rows.append((arm, sdk or "no SDK", f"{median(bare):.0f}", f"{median(both):.0f}", f"{beyond:+.0f}"))
    notes.append(
        f"median of {options.starts} starts, a third for families of SDKs; budget: {BUDGET['import_ms']:.0f} ms beyond the SDK's"
    )
    return Table("Import", ("ms", "SDK", "bare", "with it", "beyond the SDK"), rows, notes, data)


def memory(options: Options, note: Note) -> Table:
    """Resident memory beyond the bare SDK's, after one call and after many."""
    notes: list[str] = []
    todo = [("meter", HERE, ""), *((tool, python, "") for tool, python in environments(options, notes))]
    todo += [("meter", processes.sdks(), sdk) for sdk in options.families]
    rows, data = [], {}
    for arm, python, sdk in todo:
        repeats = 1 if sdk else options.repeats
        calls = options.memory_calls // 5 if sdk else options.memory_calls
        try:
            grown: dict[str, dict[str, float]] = {}
            for name in ("bare", arm):
                runs = [
                    processes.work(python, note, job="memory", arm=name, calls=calls, sdk=sdk) for _ in range(repeats)
                ]
                grown[name] = {key: median(run[key] for run in runs) / MIB for key in ("first", "last")}
                note()
        except processes.Unavailable as why:
            notes.append(f"{arm}, {sdk} skipped: {str(why).splitlines()[-1]}")
            continue
        first, last = (grown[arm][key] - grown["bare"][key] for key in ("first", "last"))
        label = f"{arm}, {sdk}" if sdk else arm
        data[label] = {**grown, "beyond_first_mib": first, "beyond_last_mib": last}
        rows.append(
            (label, f"{grown['bare']['first']:.1f}", f"{grown['bare']['last']:.1f}", f"{first:+.1f}", f"{last:+.1f}")
        )
    notes.append(
        f"resident set, median of {options.repeats} processes (families: one, a fifth of the calls); "
        f"budget: {BUDGET['memory_mib']:.0f} MiB beyond the SDK's"
    )
    columns = (
        "MiB",
        "bare, 1 call",
        f"bare, {options.memory_calls:,}",
        "adds, 1 call",
        f"adds, {options.memory_calls:,}",
    )
    return Table("Memory", columns, rows, notes, data)


def record(options: Options, note: Note) -> Table:
    """The spool's part of a call."""
    with tempfile.TemporaryDirectory() as folder:
        found = append.measure(Path(folder) / "home", options.turns, options.size, note)
    base = found["steps"][append.BASE]["median"]
    rows = [
        (name, f"{step['median']:.2f}", f"{step['p99']:.2f}", f"{step['median'] / base:.1f} ×")
        for name, step in found["steps"].items()
    ]
    notes = [f"a line of {found['line_bytes']} bytes; per record, timed in batches of {append.BATCH}"]
    return Table("One record", ("µs", "median", "p99", "of os.write"), rows, notes, found)


def environments(options: Options, notes: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield each tool's Python; say why when one cannot be had."""
    for tool in options.tools:
        python, why = processes.environment(tool)
        if python is not None:
            yield tool, python
        else:
            notes.append(f"{tool} skipped: {why}")


def added(case: dict[str, Any], name: str) -> tuple[str, str]:
    arm = case["arms"][name]
    return f"{arm['added']:+.1f} ({arm['added_low']:.1f} to {arm['added_high']:.1f})", f"{arm['added_at_best']:+.1f}"


def per_chunk(case: dict[str, Any], arm: str) -> str:
    return f"{case['arms'][arm]['added'] / case['chunks']:+.2f}" if case["chunks"] else ""


def versions(found: dict[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found["versions"].items())
