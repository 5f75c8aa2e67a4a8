"""The sections of the bench on the read side: how fast a spool becomes a ledger, and how large that ledger is."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import duckdb

from meter.home import Home
from meter.ledger import Ledger
from meter.ledger import ingest as ingest_spool
from tests.bench import contracted, processes, traffic
from tests.bench.sections import Note, Options, Table

SEGMENTS = "SELECT column_name, block_id, block_offset, additional_block_ids FROM pragma_storage_info('ledger.calls')"
IDS = ("response_id", "trace_id", "span_id")
BUDGET = {"lines_a_second": 300_000, "bytes": 60, "bytes_with_ids": 110, "peak_mib": 1024}

YARDSTICK = """
CREATE OR REPLACE TEMP TABLE yardstick AS
SELECT * FROM read_ndjson($files, columns = {
    kind: 'VARCHAR', v: 'INTEGER', id: 'VARCHAR', ts: 'BIGINT', dur: 'BIGINT', ttft: 'BIGINT', service: 'VARCHAR',
    host: 'VARCHAR', pid: 'BIGINT', provider: 'VARCHAR', server: 'VARCHAR', operation: 'VARCHAR', api: 'VARCHAR',
    request_model: 'VARCHAR', response_model: 'VARCHAR', response_id: 'VARCHAR', tier: 'VARCHAR', account: 'VARCHAR',
    project: 'VARCHAR', key: 'VARCHAR', usage: 'MAP(VARCHAR, DECIMAL(24, 6))', raw: 'JSON', source: 'VARCHAR', status: 'VARCHAR',
    error: 'VARCHAR', attempts: 'INTEGER', billed: 'BOOLEAN', stream: 'BOOLEAN', chunks: 'BIGINT', tags: 'MAP(VARCHAR, VARCHAR)',
    trace: 'VARCHAR', span: 'VARCHAR'})
"""


PEAK = """
import sys
from pathlib import Path
from meter.home import Home
from meter.ledger import Ledger, ingest
ingest(Ledger(Home(Path(sys.argv[1]))))
status = Path("/proc/self/status")
fields = dict(line.split(":") for line in status.read_text().splitlines()) if status.exists() else {}
print(fields.get("VmHWM", "0 kB").split()[0])
"""


class Took(NamedTuple):
    """Seconds by the clock, and of processor over all threads: the latter hardly depends on who else is busy."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Took:
        return cls(time.perf_counter(), time.process_time())

    def since(self) -> Took:
        now = Took.now()
        return Took(now.wall - self.wall, now.cpu - self.cpu)

    def __add__(self, other: tuple[float, float]) -> Took:  # type: ignore[override]
        return Took(self.wall + other[0], self.cpu + other[1])

    def per(self, calls: int) -> dict[str, float]:
        return {"per_s": calls / self.wall, "cpu_us": self.cpu * 1e6 / calls}


def middle(several: Sequence[Took]) -> Took:
    return Took(median(one.wall for one in several), median(one.cpu for one in several))


def ingest(options: Options, note: Note) -> Table:
    """Lines a second from spool to priced, committed rows, beside DuckDB's bare JSON reader over the same bytes."""
    rows: list[tuple[str, ...]] = []
    data: dict[str, Any] = {}
    for shape, contracts in (*((shape, False) for shape in traffic.SHAPES), (traffic.WITH_IDS, True)):
        name = f"{shape.name}, {contracted.RULES} contracts" if contracts else shape.name
        with tempfile.TemporaryDirectory() as folder:
            size = traffic.spool(Path(folder) / "spool", options.calls, shape, note) / options.calls
            runs = []
            for turn in range(options.repeats):
                runs.append(
                    (yardstick(Path(folder) / "spool"), *ingested(Path(folder), str(turn), contracts=contracts))
                )
                note()
            peak = peak_mib(Path(folder))
        read = middle([alone for alone, _, _ in runs]).per(options.calls)
        whole = middle([took for _, took, _ in runs]).per(options.calls)
        steps = {name: middle([steps[name] for _, _, steps in runs]).per(options.calls) for name in runs[0][2]}
        data[name] = {"line_bytes": size, "reader": read, "ingest": whole, "steps": steps, "peak_mib": peak}
        rows.append(
            (
                name,
                f"{size:.0f}",
                f"{read['per_s']:,.0f}",
                f"{read['cpu_us']:.2f}",
                f"{whole['per_s']:,.0f}",
                f"{whole['cpu_us']:.2f}",
                f"{whole['per_s'] / read['per_s']:.2f}",
                f"{peak:,.0f}",
            )
        )
    notes = [
        f"{options.calls:,} calls, median of {options.repeats}; budget: {BUDGET['lines_a_second']:,} a second at 780 bytes",
        f"peak: of a process that ingests them all at once, under contracts; budget: {BUDGET['peak_mib']:,} whatever the backlog",
    ]
    parts = {name: step["cpu_us"] for name, step in data[traffic.WITH_IDS.name]["steps"].items()}
    total = sum(parts.values())
    notes += [f"{cpu_us / total:6.1%}  {cpu_us:5.2f} µs of processor a call: {name}" for name, cpu_us in top(parts)]
    columns = (
        "a line has",
        "bytes",
        "JSON reader alone /s",
        "CPU µs",
        "ingested /s",
        "CPU µs",
        "of the reader",
        "peak MiB",
    )
    return Table("Ingest", columns, rows, notes, data)


def disk(options: Options, note: Note) -> Table:
    """Bytes a call in the ledger's file, and column by column."""
    notes: list[str] = []
    data: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for shape in traffic.SHAPES[1:]:
            place = Path(folder) / shape.name.replace(" ", "-")
            traffic.spool(place / "spool", options.calls, shape, note)
            ledger = opened(place)
            empty = file_bytes(ledger)
            ingest_spool(ledger)
            data[shape.name] = (file_bytes(ledger) - empty) / options.calls
            notes.append(
                f"{shape.name}: {data[shape.name]:.1f} bytes a call in the file, beyond an empty ledger's {empty >> 10:,} KiB"
            )
        columns = by_column(ledger, options.calls)
    ids = sum(columns.get(name, 0) for name in IDS)
    raw = sum(size for name, size in columns.items() if name.startswith("raw"))
    total = sum(columns.values())
    data["columns"] = columns
    rows: list[tuple[str, ...]] = [
        (name, f"{size:.1f}", f"{size / total:.0%}") for name, size in top(columns, 60) if size >= 0.05
    ]
    rows += [
        ("all without ids and raw usage", f"{total - ids - raw:.1f}", ""),
        ("all without raw usage", f"{total - raw:.1f}", ""),
    ]
    rows += [("all", f"{total:.1f}", "")]
    notes.append(f"budget: {BUDGET['bytes']} bytes without ids and raw usage, {BUDGET['bytes_with_ids']} with ids")
    notes.append("columns as their segments lie in the file's blocks; those below 0.05 bytes are left out")
    return Table("On disk", ("ledger.calls", "bytes a call", ""), rows, notes, data)


def opened(place: Path) -> Ledger:
    """Return the home's ledger, made, migrated and with its price book filled."""
    ledger = Ledger(Home(place))
    with ledger.writing():
        pass
    return ledger


def ingested(folder: Path, name: str, *, contracts: bool = False) -> tuple[Took, dict[str, Took]]:
    """Return what one ingest of a copy of the spool takes in a fresh home, and what its steps take."""
    shutil.copytree(folder / "spool", folder / name / "spool")
    if contracts:
        contracted.write(folder / name)
    ledger = opened(folder / name)
    steps: dict[str, Took] = {}
    begin = last = Took.now()

    def step(done: str) -> None:
        nonlocal last
        steps[done] = steps.get(done, Took(0, 0)) + last.since()
        last = Took.now()

    ingest_spool(ledger, step=step)
    return begin.since(), steps


def peak_mib(folder: Path) -> float:
    """Return how much memory a process holds at most that ingests the spool and nothing else, with the contracts."""
    contracted.write(folder)
    return int(processes.run([sys.executable, "-c", PEAK, str(folder)])) / 1024


def yardstick(spool: Path) -> Took:
    """Return what DuckDB alone takes to read the lines into a temporary table."""
    files = [str(path) for path in sorted(spool.glob("*.ndjson"))]
    with duckdb.connect() as con:
        begin = Took.now()
        con.execute(YARDSTICK, {"files": files})
        return begin.since()


def file_bytes(ledger: Ledger) -> int:
    """Return the file's size after a checkpoint, free blocks left out."""
    with ledger.writing() as con:
        con.execute("FORCE CHECKPOINT")
        return used_bytes(con)


def used_bytes(con: Any, database: str | None = None) -> int:
    sizes = con.execute("SELECT database_name, block_size * used_blocks FROM pragma_database_size()").fetchall()
    wanted = database or con.execute("SELECT current_database()").fetchone()[0]
    return int(dict(sizes)[wanted])


def by_column(ledger: Ledger, calls: int) -> dict[str, float]:
    """Return the bytes a call of each column, as its segments lie in the file's blocks.

    A segment ends where the next one in its block begins; what a block leaves free at its end counts to its last segment.
    """
    blocks: dict[int, list[tuple[int, str]]] = defaultdict(list)
    sizes: dict[str, float] = defaultdict(float)
    with ledger.writing() as con:
        ((block_bytes,),) = con.execute("SELECT any_value(block_size) FROM pragma_database_size()").fetchall()
        for name, block, offset, more in con.execute(SEGMENTS).fetchall():
            sizes[name] += len(more or ()) * block_bytes / calls
            if block is not None and block >= 0:
                blocks[block].append((offset, name))
    for segments in blocks.values():
        begins = [offset for offset, _ in sorted(segments)]
        for (begin, name), end in zip(sorted(segments), [*begins[1:], block_bytes], strict=True):
            sizes[name] += (end - begin) / calls
    return dict(sizes)


def top(figures: dict[str, float], count: int = 12) -> list[tuple[str, float]]:
    return sorted(figures.items(), key=lambda item: -item[1])[:count]
