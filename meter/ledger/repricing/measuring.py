"""What a repricing would change. Nothing is changed by asking: all of it happens in a transaction that is undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from meter.ledger.memory import bound_memory
from meter.ledger.repricing.closed import Closed, owed
from meter.ledger.repricing.rereading import Rereading, by_class
from meter.ledger.repricing.scope import Scope
from meter.ledger.repricing.slices import Slice, compare, lines, run, slices, statement

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meter.ledger.store import Ledger

Progress = Callable[[int, int], None]

_COUNTS = """
SELECT
    coalesce(sum(calls) FILTER (NOT is_closed), 0)::BIGINT,
    coalesce(sum(calls) FILTER (is_closed), 0)::BIGINT
FROM reprice_groups
"""
# Without cards: a price or a contract that nobody met before gets its number when it is asked for, in any order.
_FINGERPRINT = """
SELECT coalesce(bit_xor(hash(found)), 0)::VARCHAR
FROM (
    SELECT
        month, is_closed, provider, account, request_model, response_model, tag_set_id, old_price_status, new_price_status,
        old_list_currency, new_list_currency, old_currency, new_currency, sum(calls) AS calls,
        sum(old_list_cost) AS a, sum(new_list_cost) AS b, sum(old_contracted_cost) AS c, sum(new_contracted_cost) AS d,
        sum(old_effective_cost) AS e, sum(new_effective_cost) AS f
    FROM reprice_groups
    GROUP BY ALL
) AS found
"""


@dataclass(frozen=True)
class Difference:
    """What would change, by month, team, model and status; a row per currency."""

    looked_at: int
    """Calls of the scope."""
    changed: int
    """Those of open months that would be rewritten."""
    in_closed: int
    """Those of closed months that differ, and stay."""
    closed: Sequence[Closed]
    columns: Sequence[str]
    types: Sequence[str]
    rows: Sequence[Sequence[Any]]
    fingerprint: str
    """Of all of it: what is written must be what was shown."""
    usage: Sequence[tuple[str, Decimal, Decimal]] = ()
    """Classes whose sums differ, before and after: of a rereading."""

    def is_nothing(self, *, adjust: bool) -> bool:
        """Tell whether there is nothing to write and nothing to book."""
        return not self.changed and not (adjust and self.closed)


def measure(
    ledger: Ledger, scope: Scope, progress: Progress | None = None, *, rereading: Rereading | None = None
) -> Difference:
    """Return what repricing the scope would change; with a `rereading`, what reading its usage objects again would.

    Raises SettingInvalid where meter.toml is wrong, which is no word to price by; LedgerLocked, LedgerTooNew, SpoolUnsafe.
    """
    with ledger.writing() as con:
        prepare(ledger, con)
        con.execute("BEGIN")
        try:
            parts = slices(con, scope)
            gather(con, scope, parts, lambda: None, progress, rereading)
            return difference(con, scope, sum(part.calls for part in parts))
        finally:
            con.execute("ROLLBACK")


def prepare(ledger: Ledger, con: DuckDBPyConnection) -> None:
    """Refuse to price by an older meter.toml than the one that lies there, and bound the memory."""
    if ledger.refused is not None:
        raise ledger.refused
    bound_memory(con)


def gather(
    con: DuckDBPyConnection,
    scope: Scope,
    parts: list[Slice],
    then: Callable[[], None],
    progress: Progress | None,
    rereading: Rereading | None = None,
) -> None:
    """Sum up what differs, slice by slice, in temp tables; `then` is called while there is a slice's part of it."""
    run(con, "begin")
    total = sum(part.calls for part in parts)
    for before, part in lines(parts):
        if progress is not None:
            progress(before, total)
        if compare(con, scope, part, rereading.choose if rereading else None):
            run(con, "groups")
            if rereading is not None:
                run(con, "rewritten")
            then()
    if progress is not None:
        progress(total, total)


def difference(con: DuckDBPyConnection, scope: Scope, looked_at: int) -> Difference:
    """Sum up what `gather` found."""
    ((changed, in_closed),) = con.execute(_COUNTS).fetchall()
    closed = owed(con, scope)
    ((found,),) = con.execute(_FINGERPRINT).fetchall()
    cursor = con.execute(statement("difference"))
    fields = cursor.description or []
    names, types = [str(name) for name, *_ in fields], [str(kind) for _, kind, *_ in fields]
    rows = cursor.fetchall()
    return Difference(looked_at, changed, in_closed, closed, names, types, rows, str(found), by_class(con))
