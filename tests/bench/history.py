"""Years of calls without the years: `ledger.calls` filled by SQL, in the order and the row groups that ingest leaves.

What decides a query's speed is as in production: how many calls a month has, how many services, models and tag sets there are,
how well each column compresses, and that rows lie in the order of time. What a query never reads is left out: ids of responses
and traces. Costs come from cards of the price book, so that totals are plausible and charges add up to them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from meter.ledger import days

BEGIN = datetime(2025, 10, 1, tzinfo=timezone.utc)
END = datetime(2026, 11, 1, tzinfo=timezone.utc)
CHUNK = 2_000_000
"""Calls an insert: one transaction holds no more than that."""


def fill(con: Any, calls: int, note: Callable[[], None] = lambda: None) -> None:
    """Put the calls into an empty ledger that has its price book."""
    con.execute((Path(__file__).parent / "history.sql").read_text("utf-8"))
    con.execute("CREATE OR REPLACE TEMP TABLE bench_numbers AS SELECT range AS number FROM range(?)", [CHUNK])
    span_us = round((END - BEGIN).total_seconds() * 1_000_000)
    for first in range(0, calls, CHUNK):
        con.execute(
            INSERT,
            {
                "first": first,
                "calls": calls,
                "begin_us": round(BEGIN.timestamp() * 1_000_000),
                "step_us": span_us // calls,
            },
        )
        note()
    con.execute("UPDATE ledger.ingested SET lines = lines + ?, calls = calls + ?", [calls, calls])
    con.execute("DELETE FROM ledger.days_kept")
    days.keep(con)
    con.execute("CHECKPOINT")


# dice: independent draws of [0, 1); log-normal by Box and Muller, as tokens and durations are.
INSERT = """
INSERT INTO ledger.calls BY NAME
WITH numbered AS (
    SELECT
        i,
        $begin_us + i * $step_us + (hash(i, 1) % ($step_us * 20 + 1))::BIGINT - $step_us * 10 AS ts,
        hash(i, 2) AS slot_dice,
        hash(i, 3) AS tag_dice,
        (hash(i, 4) >> 11) / 9007199254740992 AS a,
        (hash(i, 5) >> 11) / 9007199254740992 AS b,
        (hash(i, 6) >> 11) / 9007199254740992 AS c,
        hash(i, 7) % 1000 AS fate,
        hash(i, 8) AS kind
    FROM (SELECT $first + number AS i FROM bench_numbers) AS numbers
    WHERE i < $calls
),
drawn AS (
    SELECT
        *,
        sqrt(-2 * ln(1 - a)) * cos(2 * pi() * b) AS normal,
        sqrt(-2 * ln(1 - a)) * sin(2 * pi() * b) AS other_normal,
        CASE WHEN fate < 10 THEN 'failed' WHEN fate < 30 THEN 'aborted' ELSE 'ok' END AS end_of_it
    FROM numbered
),
counted AS (
    SELECT
        drawn.*,
        line.*,
        end_of_it <> 'failed' AS has_usage,
        least(8 + exp(7 + 1.1 * normal), 1e6)::BIGINT AS input_total,
        least(1 + exp(5.2 + 0.9 * other_normal), 1e5)::BIGINT AS output_total,
        CASE WHEN kind % 100 < 35 THEN (input_total * (3 + kind % 7) // 10) // 128 * 128 ELSE 0 END AS cached,
        CASE
            WHEN line.provider = 'anthropic' THEN CASE WHEN kind % 10 = 9 THEN 200 + (kind >> 8) % 3800 ELSE 0 END
        END::BIGINT AS written,
        CASE WHEN thinks THEN (output_total * (0.2 + 0.7 * c))::BIGINT END AS thought
    FROM drawn
    JOIN bench_lines AS line ON line.slot = slot_dice % 1024
),
charged AS (
    SELECT
        *,
        CASE
            WHEN has_usage AND rate_card_id IS NOT NULL THEN (
                (input_total - cached) * price.input + cached * price.cache_read + coalesce(written, 0) * price.cache_write_5m
                + (output_total - coalesce(thought, 0)) * price.output + coalesce(thought, 0) * price.reasoning
            )::DECIMAL(26, 12)
        END AS cost
    FROM counted
)
SELECT
    format('{:012x}7{:03x}{:016x}', ts // 1000, slot_dice % 4096, tag_dice)::UUID AS id,
    make_timestamptz(ts) AS started_at,
    (exp(14 + 0.7 * other_normal))::BIGINT AS duration_us,
    CASE WHEN kind % 2 = 0 THEN (exp(13 + 0.6 * normal))::BIGINT END AS first_token_us,
    service,
    host,
    pid,
    provider,
    server_address,
    'chat' AS operation,
    api,
    request_model,
    CASE WHEN has_usage THEN request_model END AS response_model,
    CASE WHEN has_usage THEN 'standard' END AS service_tier,
    account,
    project,
    key_id,
    CASE end_of_it WHEN 'failed' THEN 'error' ELSE end_of_it END AS status,
    CASE end_of_it WHEN 'failed' THEN 'RateLimitError' END AS error_type,
    1 AS attempts,
    true AS billed,
    kind % 2 = 0 AS stream,
    CASE WHEN kind % 2 = 0 THEN 20 + (kind >> 16) % 580 END AS chunks,
    CASE WHEN has_usage THEN input_total - cached END AS input,
    CASE WHEN has_usage THEN cached END AS cache_read,
    CASE WHEN has_usage THEN written END AS cache_write_5m,
    CASE WHEN has_usage AND written IS NOT NULL THEN 0 END AS cache_write_1h,
    CASE WHEN has_usage THEN output_total - coalesce(thought, 0) END AS output,
    CASE WHEN has_usage THEN thought END AS reasoning,
    CASE end_of_it WHEN 'aborted' THEN format('{{"output":"{}"}}', output_total - coalesce(thought, 0)) END AS estimated_usage,
    CASE end_of_it WHEN 'failed' THEN 'missing' WHEN 'aborted' THEN 'estimated' ELSE 'reported' END AS usage_source,
    CASE WHEN fate % 50 <> 49 THEN 1 + (floor(33.4 * c * c)::BIGINT * 6 + team) % 200 END AS tag_set_id,
    priced_model,
    model_developer,
    cost AS list_cost,
    'USD' AS list_currency,
    (cost * multiplier)::DECIMAL(26, 12) AS contracted_cost_if_other,
    'USD' AS currency,
    CASE WHEN NOT has_usage THEN 'no_usage' WHEN cost IS NULL THEN 'unpriced' ELSE 'priced' END AS price_status,
    CASE WHEN cost IS NOT NULL THEN rate_card_id END AS rate_card_id,
    CASE WHEN cost IS NOT NULL AND end_of_it = 'aborted' THEN (cost * 0.8)::DECIMAL(26, 12) END AS estimate_low,
    CASE WHEN cost IS NOT NULL AND end_of_it = 'aborted' THEN (cost * 1.4)::DECIMAL(26, 12) END AS estimate_high
FROM charged
"""
