"""Write the rows of a query as JSON, CSV or Parquet.

    write_rows(columns, types, rows, "json", sys.stdout)

`types` are DuckDB's names, one per column: `[str(kind) for _, kind, *_ in cursor.description]`. In JSON and CSV every DECIMAL is
an exact decimal string without trailing zeros: a JSON number would pass through a double in most readers. A whole quantity is a
number in JSON, as every other count is.
Rows are taken one at a time, so a long result needs no memory.
"""

from __future__ import annotations

import csv
import json
import math
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from meter.errors import QueryInvalid

# Parquet has no integer of 128 bits: DuckDB would write one, such as any sum of integers, as a double.
WRITE_AS = {"HUGEINT": "DECIMAL(38,0)", "UHUGEINT": "DECIMAL(38,0)"}
READ_AS = {**WRITE_AS, "BLOB": "VARCHAR"}

Rows = Iterable[Sequence[Any]]


def write_rows(columns: Sequence[str], types: Sequence[str], rows: Rows, fmt: str, stream: IO[Any]) -> int:
    """Write the rows and return how many there were.

    JSON and CSV go to a text stream, Parquet to a binary one (or to the `buffer` of a text one). A column name that
    comes twice gets a number, so that no value hides another. Raises QueryInvalid for an unknown format.
    """
    if fmt not in WRITERS:
        raise QueryInvalid(f"unknown format {fmt!r}", hint=f"formats are: {', '.join(WRITERS)}")
    return WRITERS[fmt](distinct(columns), types, rows, stream)


def distinct(columns: Sequence[str]) -> list[str]:
    """Return the names with `_1`, `_2`, … on those that were there before (whatever their case), as DuckDB does itself."""
    names: dict[str, str] = {}
    for column in columns:
        name, number = column, 0
        while name.casefold() in names:
            number += 1
            name = f"{column}_{number}"
        names[name.casefold()] = name
    return list(names.values())


def plain(value: Decimal) -> str:
    """Return the exact digits, without exponent and trailing zeros."""
    text = format(value, "f")  # Decimal.normalize would round to the context's 28 digits
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def jsonable(value: Any) -> Any:
    """Return the value as JSON can hold it without loss."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return "".join(f"\\x{byte:02X}" for byte in value)  # DuckDB's text for a BLOB
    if isinstance(value, timedelta):
        return str(value).replace(",", "")  # and for an INTERVAL
    return str(value)


def _cell(value: Any) -> Any:
    found = jsonable(value)
    if isinstance(found, bool):
        return "true" if found else "false"
    return _dumps(found) if isinstance(found, (dict, list)) else found


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _is_quantity(kind: str) -> bool:
    """Tell a type of quantities from one of money: seconds have 6 decimals, sums of counts none, and money 12."""
    return kind.startswith("DECIMAL") and kind.endswith((",6)", ",0)"))


def _quantity(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) and value == int(value) else jsonable(value)


def _json(columns: Sequence[str], types: Sequence[str], rows: Rows, stream: IO[Any]) -> int:
    count = 0
    cells = [(name, _quantity if _is_quantity(kind) else jsonable) for name, kind in zip(columns, types, strict=True)]
    stream.write("[")
    for row in rows:
        stream.write(",\n " if count else "\n ")
        stream.write(_dumps({name: cell(value) for (name, cell), value in zip(cells, row, strict=True)}))
        count += 1
    stream.write("\n]\n" if count else "]\n")
    return count


def _csv(columns: Sequence[str], _types: Sequence[str], rows: Rows, stream: IO[Any]) -> int:
    count = 0
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        count += 1
    return count


def _parquet(columns: Sequence[str], types: Sequence[str], rows: Rows, stream: IO[Any]) -> int:
    """Let DuckDB write it, from JSON lines read with the result's own types: exact, and no pyarrow is needed."""
    import duckdb

    count = 0
    with tempfile.TemporaryDirectory(prefix="meter-") as folder, duckdb.connect() as connection:
        source, target = Path(folder, "rows.ndjson"), Path(folder, "rows.parquet")
        with source.open("w", encoding="utf-8") as lines:
            for row in rows:
                lines.write(_dumps({name: jsonable(value) for name, value in zip(columns, row, strict=True)}) + "\n")
                count += 1
        fields = list(zip(columns, types, strict=True))
        named = ", ".join(f"{_quote(name)}: {_quote(READ_AS.get(kind, kind))}" for name, kind in fields)
        chosen = ", ".join(
            f"CAST({_name(name)} AS {WRITE_AS.get(kind, kind)}) AS {_name(name)}" for name, kind in fields
        )
        read = f"SELECT {chosen} FROM read_ndjson({_quote(str(source))}, columns = {{{named}}})"
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({read}) TO {_quote(str(target))} (FORMAT parquet)")
        getattr(stream, "buffer", stream).write(target.read_bytes())
    return count


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


WRITERS: Mapping[str, Callable[[Sequence[str], Sequence[str], Rows, IO[Any]], int]] = {
    "json": _json,
    "csv": _csv,
    "parquet": _parquet,
}
"""The formats of `--format` that are for machines; tables are the terminal's."""
