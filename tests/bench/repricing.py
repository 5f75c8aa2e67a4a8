"""The section of the bench on repricing: a month of calls, made up in SQL, priced anew."""

from __future__ import annotations

import resource
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from meter.ledger import Ledger
from meter.ledger.repricing import Scope, measure, write
from tests.bench import traffic
from tests.bench.ledgers import Took, opened
from tests.bench.sections import Note, Options, Table

MONTH = Scope(datetime(2026, 10, 1, tzinfo=timezone.utc), datetime(2026, 11, 1, tzinfo=timezone.utc))
AT_ONCE = 1_000_000
TEAMS = 200
BUDGET = {"calls": 10_000_000, "seconds": 60, "memory_gib": 2.0}

_TAGS = """
INSERT INTO ledger.tag_sets
SELECT n, hash(n), '{"team":"team-' || n || '"}', MAP {'team': 'team-' || n} FROM range(1, $teams + 1) AS t(n)
"""
# In order of time, as calls arrive; without a price yet. What is random follows from the number alone.
_CALLS = """
INSERT INTO ledger.calls BY NAME
WITH models AS (SELECT unnest($models::VARCHAR[][]) AS model, generate_subscripts($models::VARCHAR[][], 1) AS place),
drawn AS (
    SELECT n, hash(n) AS h, hash(n + 1000000007) AS g, 1790812800000000 + n * (2678400000000 // $calls) AS us
    FROM range($low, $high) AS t(n)
)
SELECT
    (format('{:012x}', us // 1000) || format('{:020x}', h))::UUID AS id,
    make_timestamptz(us) AS started_at,
    (g % 5000000)::BIGINT AS duration_us,
    'service-' || h % 40 AS service,
    'host-' || h % 8 AS host,
    (h % 32)::BIGINT AS pid,
    model[1] AS provider,
    'chat' AS operation,
    model[2] AS request_model,
    model[3] AS response_model,
    'ok' AS status,
    1 AS attempts,
    (g % 4000)::BIGINT AS input,
    CASE WHEN h % 3 = 0 THEN (g % 3000)::BIGINT END AS cache_read,
    (g % 700)::BIGINT AS output,
    CASE WHEN h % 5 = 0 THEN (g % 900)::BIGINT END AS reasoning,
    'reported' AS usage_source,
    (1 + g % $teams)::INTEGER AS tag_set_id,
    'USD' AS list_currency,
    'USD' AS currency,
    'unpriced' AS price_status
FROM drawn
JOIN models ON place = 1 + h % len($models::VARCHAR[][])
ORDER BY n
"""
_DEARER = """
INSERT INTO ledger.rate_cards
SELECT * REPLACE (
    rate_card_id + (SELECT max(rate_card_id) FROM ledger.rate_cards) AS rate_card_id,
    offer_id + (SELECT max(offer_id) FROM ledger.rate_cards) AS offer_id,
    edition + 1 AS edition,
    map_from_entries(list_transform(
        map_entries(unit_prices), lambda e: {'key': e.key, 'value': (e.value * 2)::DECIMAL(18, 12)}
    )) AS unit_prices
)
FROM ledger.current_cards
"""


def reprice(options: Options, note: Note) -> Table:
    """Seconds to price a month of calls anew, when none differ and when all do."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = opened(Path(folder) / "home")
        fill(ledger, options.calls, note)
        write(ledger, MONTH, who="bench", why="the first prices")
        note()
        same = timed(lambda: measure(ledger, MONTH))
        with ledger.writing() as con:
            con.execute(_DEARER)
            con.execute("DELETE FROM ledger.model_matches")
        note()
        shown = timed(lambda: measure(ledger, MONTH))
        note()
        before = (ledger.home.ledger).stat().st_size
        written = timed(lambda: write(ledger, MONTH, who="bench", why="twice as dear"))
        grown = (ledger.home.ledger).stat().st_size - before
    took = {"no call differs": same, "all differ: shown": shown, "all differ: written": written}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    rows = [
        (name, f"{one.wall:.1f}", f"{options.calls / one.wall:,.0f}", f"{one.cpu * 1e6 / options.calls:.2f}")
        for name, one in took.items()
    ]
    data: dict[str, Any] = {name: one.per(options.calls) | {"seconds": one.wall} for name, one in took.items()}
    notes = [
        f"{options.calls:,} calls of a month in one ledger; the command with --yes does only what is called written",
        f"budget: {BUDGET['calls']:,} calls in {BUDGET['seconds']} s on 2 cores, below {BUDGET['memory_gib']:.0f} GiB",
        f"at most {peak:.2f} GiB of memory in this process so far; the file grew by {grown / options.calls:.1f} bytes a call",
    ]
    data |= {"peak_gib": peak, "grown_bytes": grown / options.calls}
    return Table("Reprice", ("a month where", "seconds", "calls /s", "CPU µs a call"), rows, notes, data)


def fill(ledger: Ledger, calls: int, note: Note) -> None:
    """Put calls into a ledger, without the spool."""
    models = [[model.provider, model.request, model.response] for model in traffic.MODELS]
    with ledger.writing() as con:
        con.execute(_TAGS, {"teams": TEAMS})
        for low in range(0, calls, AT_ONCE):
            values = {"low": low, "high": min(calls, low + AT_ONCE), "calls": calls, "teams": TEAMS, "models": models}
            con.execute(_CALLS, values)
            note()


def timed(work: Any) -> Took:
    begin = Took.now()
    work()
    return begin.since()
