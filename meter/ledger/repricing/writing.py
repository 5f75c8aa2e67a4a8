"""Write a repricing: one revision, one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING

from meter.errors import MeterError
from meter.ledger import days
from meter.ledger.interruptible import interruptible
from meter.ledger.repricing import closed
from meter.ledger.repricing.measuring import Difference, Progress, difference, gather, prepare
from meter.ledger.repricing.rereading import Rereading, record, update
from meter.ledger.repricing.scope import Scope
from meter.ledger.repricing.slices import slices
from meter.ledger.transaction import transaction

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meter.ledger.store import Ledger

DERIVED = (
    *("list_cost", "contracted_cost_if_other", "effective_cost_if_other", "list_currency", "currency", "price_status"),
    *("priced_model", "model_developer", "rate_card_id", "contract_card_id", "contract_rule_id"),
    *("estimate_low", "estimate_high"),
)
"""The columns of `ledger.calls` that a revision rewrites."""

# In place: to delete and insert a million calls took 2.4 times as long, and the table would lose its order of time.
_UPDATE = f"""
UPDATE ledger.calls AS calls
SET {", ".join(f"{name} = changed.{name}" for name in DERIVED)}
FROM reprice_changed AS changed
WHERE calls.rowid = changed.row_number AND NOT changed.is_closed
"""
_MONTHS = "SELECT DISTINCT month FROM reprice_groups WHERE NOT is_closed ORDER BY month"
_NEXT_ID = "SELECT coalesce(max(revision_id), 0) + 1 FROM ledger.revisions"
_REVISION = """
INSERT INTO ledger.revisions (revision_id, kind, made_at, made_by, reason, since, until, filters, calls)
VALUES ($id, $kind, $now, $who, $why, $since, $until, $filters, $calls)
"""
_REVISED = """
INSERT INTO ledger.revised BY NAME
SELECT
    $id AS revision_id,
    * EXCLUDE (is_closed, account, calls, old_list_cost, new_list_cost, old_contracted_cost, new_contracted_cost,
        old_effective_cost, new_effective_cost),
    sum(calls)::BIGINT AS calls,
    sum(old_list_cost) AS old_list_cost,
    sum(new_list_cost) AS new_list_cost,
    sum(old_contracted_cost) AS old_contracted_cost,
    sum(new_contracted_cost) AS new_contracted_cost,
    sum(old_effective_cost) AS old_effective_cost,
    sum(new_effective_cost) AS new_effective_cost
FROM reprice_groups
WHERE NOT is_closed
GROUP BY ALL
"""
_ADJUSTMENTS = """
INSERT INTO ledger.adjustments (
    adjustment_id, month, for_month, provider, account, model, tag_set_id, kind, amount, currency, revision_id, reason, made_by,
    recorded_at
)
SELECT
    (SELECT coalesce(max(adjustment_id), 0) FROM ledger.adjustments)
        + row_number() OVER (ORDER BY month, provider, account, model, tag_set_id, currency),
    $month, month, provider, account, model, tag_set_id, 'correction', amount, currency, $id, $why, $who, $now
FROM reprice_owed
"""


@dataclass(frozen=True)
class Revision:
    """What was written."""

    revision_id: int
    calls: int
    adjustments: int


def write(
    ledger: Ledger,
    scope: Scope,
    shown: Difference | None = None,
    *,
    who: str,
    why: str,
    adjust: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
    rereading: Rereading | None = None,
) -> tuple[Difference, Revision | None]:
    """Reprice the scope, or read its usage again: all of it or nothing; where it was shown before, as it was shown.

    No revision where nothing changes.

    Raises PeriodClosed where a closed month would change and `adjust` does not say to book that; MeterError when it is no longer
    what was shown; SettingInvalid where meter.toml is wrong; LedgerLocked, LedgerTooNew, SpoolUnsafe.
    """
    with ledger.writing() as con:
        prepare(ledger, con)
        with transaction(con):
            then = partial(_update, con, rereading)
            gather(con, scope, parts := slices(con, scope), then, progress, rereading)
            found = difference(con, scope, sum(part.calls for part in parts))
            if shown is not None and _told(found) != _told(shown):
                raise MeterError(
                    "calls or prices changed meanwhile, so what was shown is no longer what would be written",
                    hint="nothing was written; run the command again",
                )
            closed.refuse(found.closed, adjust=adjust, can_adjust=rereading is None)
            if found.is_nothing(adjust=adjust):
                return found, None
            days.renew(con, [month for (month,) in con.execute(_MONTHS).fetchall()])
            made = now or datetime.now(timezone.utc)
            kind = "reprice" if rereading is None else "reread"
            return found, _record(con, kind, scope, found, who, why, made, adjust=adjust)


def _told(found: Difference) -> tuple[object, ...]:
    return found.fingerprint, found.closed, found.usage


def _update(con: DuckDBPyConnection, rereading: Rereading | None) -> None:
    interruptible(con, lambda: con.execute(_UPDATE))
    if rereading is not None:
        interruptible(con, lambda: update(con))


def _record(
    con: DuckDBPyConnection,
    kind: str,
    scope: Scope,
    found: Difference,
    who: str,
    why: str,
    now: datetime,
    *,
    adjust: bool,
) -> Revision:
    ((number,),) = con.execute(_NEXT_ID).fetchall()
    con.execute(
        _REVISION,
        {
            "id": number,
            "kind": kind,
            "now": now,
            "who": who,
            "why": why,
            "since": scope.since,
            "until": scope.until,
            "filters": scope.filters,
            "calls": found.changed,
        },
    )
    con.execute(_REVISED, {"id": number})
    record(con, number)
    booked = 0
    if adjust and found.closed:
        values = {"id": number, "who": who, "why": why, "now": now, "month": closed.open_month(con, now)}
        ((booked,),) = con.execute(_ADJUSTMENTS, values).fetchall()
    return Revision(number, found.changed, booked)
