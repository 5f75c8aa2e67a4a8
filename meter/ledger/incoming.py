"""From lines to the table `incoming`: strictly, by DuckDB's JSON reader, or not at all.

The reader never ignores errors: that turns a bad line into NULLs without a trace. When it refuses a batch, or gives another
number of rows than there are lines, the batch is sifted: each line is decoded by msgspec, which says what is wrong with it, and
what is left is read again. DuckDB has the last word on every line, so that a line's fate does not hang on its neighbours.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from meter import event
from meter.ledger import usage
from meter.ledger.batch import Batch
from meter.ledger.faults import FAULTS
from meter.ledger.letters import DeadLetter, Line
from meter.ledger.scratch import Scratch
from meter.ledger.transaction import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TEXTS = """
    kind id service host provider server operation api request_model response_model response_id tier requested_tier account
    project key region deployment source status error parent reported_cost reported_currency trace span name value currency
    quantity python meter tags context
"""
COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(_TEXTS.split(), "VARCHAR"),
    "v": "DOUBLE",  # a whole number would round 1.4
    **dict.fromkeys(("ts", "pid", "dur", "ttft", "sent_chars", "seen_chars", "attempts", "chunks"), "BIGINT"),
    **dict.fromkeys(("billed", "stream"), "BOOLEAN"),
    **dict.fromkeys(("usage", "raw", "sdks", "hooks"), "JSON"),
}
"""What a line may have (meter.event), and how it is read.

No map is read as a map: that takes as long as all the rest. Tags and context stay text, of which a batch has few; usage is taken
apart into columns (meter.ledger.usage).
"""

_READ = """
CREATE OR REPLACE TABLE incoming AS
SELECT *, {plain} AS plain
FROM (
    SELECT * REPLACE (TRY_CAST(id AS UUID) AS id), unnest({counts})
    FROM read_json(
        {path}, format = 'newline_delimited', columns = {columns}, maximum_object_size = {longest}, compression = 'uncompressed'
    )
)
"""
_MAPS = """
CREATE OR REPLACE TABLE batch_maps AS
SELECT text, CASE WHEN list_unique(map_keys(read)) = cardinality(read) THEN read END AS pairs
FROM (
    SELECT text, TRY_CAST(TRY_CAST(text AS JSON) AS MAP(VARCHAR, VARCHAR)) AS read
    FROM (SELECT tags AS text FROM incoming UNION SELECT context FROM incoming)
    WHERE text IS NOT NULL
)
"""

USUAL_BYTES = 1 << 20
"""Longest line of the quick way: small, since two cores share a file in pieces twice as long."""
LONGEST_BYTES = 16 << 20
"""Longer than a reader's window, so than any line."""
SECOND_LOOKS = 64
"""So many of a batch's lines that msgspec refuses are shown to DuckDB all the same; garbage in bulk is not worth its time."""
LOOKS = 256
"""So often a batch is halved at most, in search of lines that only DuckDB refuses: a look takes some milliseconds."""


@dataclass
class Sifted:
    """What became of a batch's lines: `count` of them, the readable ones in `incoming`, the rest letters."""

    count: int
    letters: list[DeadLetter]


def read(con: DuckDBPyConnection, batch: Batch) -> Sifted:
    """Fill `incoming` and `batch_maps` with the lines that can be read, and return the others as dead letters."""
    places: list[Line] | None = None
    rows = _rows(con, batch.seal(), USUAL_BYTES)
    # A writer frames each record in two newlines; only a batch of another make is counted line by line.
    if isinstance(rows, int) and (rows * 2 == batch.newlines or rows == batch.count_lines()):
        sifted = Sifted(rows, [])
    else:
        sifted, places = _sift(con, batch)
    con.execute(_MAPS)
    con.execute(usage.UNUSUAL)
    if found := con.execute(FAULTS).fetchall():
        lines = list(batch.lines()) if places is None else places
        sifted.letters += [DeadLetter.of(lines[row], _told(lines[row], reason)) for row, reason in found]
        con.execute("DELETE FROM incoming WHERE rowid IN (SELECT unnest($rows))", {"rows": [row for row, _ in found]})
    return sifted


def _rows(con: DuckDBPyConnection, path: str, longest: int) -> int | str:
    """Read a file into `incoming`; return how many rows it gave, or why DuckDB refused it."""
    columns = "{" + ", ".join(f"{name}: {quoted(kind)}" for name, kind in COLUMNS.items()) + "}"
    try:
        con.execute(
            _READ.format(path=quoted(path), columns=columns, longest=longest, counts=usage.COUNTS, plain=usage.PLAIN)
        )
    except (duckdb.ProgrammingError, duckdb.DataError) as error:  # not: no memory, no disk
        return str(error)
    ((rows,),) = con.execute("SELECT count(*) FROM incoming").fetchall()
    return int(rows)


def _sift(con: DuckDBPyConnection, batch: Batch) -> tuple[Sifted, list[Line]]:
    """Part the lines that can be read from the others; return the letters, and the line of each row in `incoming`."""
    count = 0
    refused: dict[Line, str] = {}
    kept: list[Line] = []
    for line in batch.lines():
        count += 1
        try:
            event.decode(line.data)
        except (ValueError, RecursionError) as error:
            refused[line] = str(error)
        else:
            kept.append(line)
    unreadable = _refused_by_duckdb(con, kept)
    again = list(refused)
    doubtful = [*_refused_by_duckdb(con, again[:SECOND_LOOKS]), *again[SECOND_LOOKS:]]
    unreadable |= {line: DeadLetter.of(line, refused[line]) for line in doubtful}
    kept = [line for line in [*kept, *refused] if line not in unreadable]
    assert _rows_of(con, kept) == len(kept), "lines that can be read one by one can be read together"
    return Sifted(count, list(unreadable.values())), kept


def _refused_by_duckdb(con: DuckDBPyConnection, lines: list[Line]) -> dict[Line, DeadLetter]:
    """Find the lines that DuckDB does not read as one row each."""
    if not lines or _rows_of(con, lines) == len(lines):
        return {}
    known = {line: DeadLetter.of(line, fault) for line in lines if (fault := _passed_over(line.data)) is not None}
    return known | _halved(con, [line for line in lines if line not in known], iter(range(LOOKS)))


def _passed_over(data: bytes) -> str | None:
    """Return what msgspec passes over and DuckDB never does, so that a thousand such lines are not looked for one by one."""
    try:
        pairs = json.loads(data.decode("utf-8"), object_pairs_hook=list)
    except UnicodeDecodeError as error:
        return str(error)
    except (ValueError, RecursionError):
        return None
    names = Counter(pair[0] for pair in pairs) if isinstance(pairs, list) and data.lstrip()[:1] == b"{" else Counter()
    return next((f"the field {name} stands there twice" for name in COLUMNS if names[name] > 1), None)


def _halved(con: DuckDBPyConnection, lines: list[Line], looks: Iterator[int]) -> dict[Line, DeadLetter]:
    """Find them by halving, with so many looks; what is left after that in lumps is buried whole."""
    if not lines or (rows := _rows_of(con, lines)) == len(lines):
        return {}
    if len(lines) == 1:
        return {lines[0]: DeadLetter.of(lines[0], _reason(rows))}
    if next(looks, None) is None:
        reason = f"one of {len(lines)} lines that cannot be read together, kept whole: {_reason(rows)}"
        return {line: DeadLetter.whole(line, reason) for line in lines}
    middle = len(lines) // 2
    return _halved(con, lines[:middle], looks) | _halved(con, lines[middle:], looks)


def _rows_of(con: DuckDBPyConnection, lines: Iterable[Line]) -> int | str:
    with Scratch() as scratch:
        for line in lines:
            scratch.write(line.data + b"\n")
        return _rows(con, scratch.sealed(), LONGEST_BYTES)


def _told(line: Line, reason: str | None) -> str:
    """Let msgspec say what is wrong with a usage: it names the class."""
    try:
        event.decode(line.data)
    except (ValueError, RecursionError) as error:
        return reason or str(error)
    return reason or "the usage cannot be read"


def _reason(rows: int | str) -> str:
    """Shorten what DuckDB says: without the file's name, and without advice that is not for our reader."""
    if isinstance(rows, int):
        return f"one line gave {rows} rows"
    sentence = _SENTENCE.search(" ".join(rows.split()))
    return (sentence[1] if sentence else rows)[:200]


_SENTENCE = re.compile(r"in line \d+: (.*?)(?: Try | If this error |$)")
