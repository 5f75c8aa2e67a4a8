"""How much memory work on a whole ledger may take: services run beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LIMIT_BYTES = 1 << 30
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def bound_memory(con: DuckDBPyConnection) -> None:
    """Let DuckDB use no more than that, and its temporary files beyond; where it may use less already, that stays."""
    ((text,),) = con.execute("SELECT current_setting('memory_limit')").fetchall()
    amount, unit = str(text).split()
    if float(amount) * _UNITS[unit] > LIMIT_BYTES:
        con.execute(f"SET memory_limit = '{LIMIT_BYTES} bytes'")
