"""From `incoming` to rows of the ledger: what was there before is left out, the rest is inserted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from meter.ledger import cold
from meter.ledger.letters import DeadLetter
from meter.ledger.transaction import quoted
from meter.ledger.usage import MAP, PLAIN_COLUMNS, UNUSUAL_COLUMNS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FRESH = f"""
CREATE OR REPLACE TEMP VIEW fresh AS
SELECT
    id, make_timestamptz(ts) AS started_at, provider, server, account, project, region, deployment, api, operation,
    request_model, response_model, tier, requested_tier, contexts.pairs AS context, source, status,
    plain, struct_pack({", ".join(PLAIN_COLUMNS)}) AS counts, CASE WHEN NOT plain THEN usage::{MAP} END AS usage,
    TRY_CAST(reported_cost AS DECIMAL(26, 12)) AS reported_cost, reported_currency, sent_chars, seen_chars
FROM incoming
LEFT JOIN batch_maps AS contexts ON contexts.text = incoming.context
WHERE kind = 'call'
"""
"""What pricing takes (meter.pricing)."""

_RANGE = "SELECT min(id), max(id), count(*) > count(DISTINCT id) FROM incoming"
_REPEATED = "DELETE FROM incoming WHERE rowid NOT IN (SELECT min(rowid) FROM incoming GROUP BY id)"
_SEEN = """
DELETE FROM incoming
WHERE id IN (
    SELECT id FROM ledger.calls WHERE id BETWEEN {low} AND {high}
    UNION ALL
    SELECT id FROM ledger.outcomes WHERE id BETWEEN {low} AND {high}
    UNION ALL
    SELECT id FROM ledger.processes WHERE id BETWEEN {low} AND {high}
    {cold}
)
"""


def _of(source: str, names: str) -> dict[str, str]:
    return {name: f"{source}.{name}" for name in names.split()}


def _if_other(name: str, before: str) -> str:
    return f"CASE WHEN priced.{name} IS DISTINCT FROM priced.{before} THEN priced.{name} END"


_FACTS = """
    id service host pid provider operation api request_model response_model response_id requested_tier account project region
    deployment status attempts billed stream chunks sent_chars seen_chars reported_currency
"""
_PRICED = """
    priced_model model_developer list_cost list_currency currency price_status rate_card_id contract_rule_id contract_card_id
    usage_source reported_usage estimate_low estimate_high
"""
_CALLS: Mapping[str, str] = {
    **_of("lines", _FACTS),
    "started_at": "make_timestamptz(lines.ts)",
    "duration_us": "CASE WHEN lines.dur >= 0 THEN lines.dur END",  # a clock that jumped tells nothing
    "first_token_us": "CASE WHEN lines.ttft >= 0 THEN lines.ttft END",
    "server_address": "lines.server",
    "service_tier": "lines.tier",
    "key_id": "lines.key",
    "error_type": "lines.error",
    "parent_id": "TRY_CAST(lines.parent AS UUID)",
    "reported_cost": "TRY_CAST(lines.reported_cost AS DECIMAL(26, 12))",
    "trace_id": "TRY_CAST(lines.trace AS UUID)",
    "span_id": "TRY_CAST('0x' || lines.span AS UBIGINT)",
    "tag_set_id": "tags.tag_set_id",
    **_of("priced", _PRICED),
    "reported_source": "CASE WHEN priced.usage_source = 'estimated' THEN lines.source END",
    "contracted_cost_if_other": _if_other("contracted_cost", "list_cost"),
    "effective_cost_if_other": _if_other("effective_cost", "contracted_cost"),
}
"""Column of `ledger.calls`: where it comes from. The usage's columns are meter.ledger.usage's."""
_CONTEXT = {"context": "to_json(contexts.pairs)::VARCHAR"}
_PLAIN = "lines.plain AND lines.context IS NULL AND priced.estimated_usage IS NULL"
_INSERT_PLAIN = f"""
INSERT INTO ledger.calls BY NAME
SELECT {", ".join(f"{value} AS {name}" for name, value in {**_CALLS, **PLAIN_COLUMNS}.items())}
FROM incoming AS lines
JOIN priced ON priced.id = lines.id
LEFT JOIN batch_tags AS tags ON tags.text = lines.tags
WHERE {_PLAIN}
"""
_INSERT_UNUSUAL = f"""
INSERT INTO ledger.calls BY NAME
SELECT {", ".join(f"{value} AS {name}" for name, value in {**_CALLS, **UNUSUAL_COLUMNS, **_CONTEXT}.items())}
FROM incoming AS lines
JOIN (
    SELECT
        priced.*,
        CASE
            WHEN estimated_usage IS NULL THEN lines.usage::{MAP}
            ELSE map_concat(coalesce(lines.usage::{MAP}, MAP {{}}), estimated_usage)
        END AS billed_usage
    FROM incoming AS lines
    JOIN priced ON priced.id = lines.id
    WHERE NOT ({_PLAIN})
) AS priced ON priced.id = lines.id
LEFT JOIN batch_tags AS tags ON tags.text = lines.tags
LEFT JOIN batch_maps AS contexts ON contexts.text = lines.context
"""
_RAW = """
INSERT INTO ledger.raw_usage
SELECT id, raw FROM incoming WHERE kind = 'call' AND raw <> 'null'
"""
_OUTCOMES = """
INSERT INTO ledger.outcomes
SELECT
    id, make_timestamptz(ts), name, value::DECIMAL(26, 12), currency, coalesce(quantity::DECIMAL(26, 12), 1), service, host, pid,
    TRY_CAST(trace AS UUID), TRY_CAST('0x' || span AS UBIGINT), tags.tag_set_id
FROM incoming
LEFT JOIN batch_tags AS tags ON tags.text = incoming.tags
WHERE kind = 'outcome'
"""
_PROCESSES = """
INSERT INTO ledger.processes
SELECT id, make_timestamptz(ts), heads.segment, service, host, pid, python, meter, sdks, hooks
FROM incoming
LEFT JOIN (
    SELECT TRY_CAST(unnest($ids::VARCHAR[]) AS UUID) AS id, unnest($segments::VARCHAR[]) AS segment
) AS heads USING (id)
WHERE kind = 'process'
"""
_LETTERS = """
INSERT INTO ledger.dead_letters
SELECT letters.*, now()
FROM (
    SELECT
        unnest($segments::VARCHAR[]) AS segment, unnest($positions::BIGINT[]) AS position, unnest($sizes::BIGINT[]) AS size,
        unnest($reasons::VARCHAR[]) AS reason, unnest($excerpts::BLOB[]) AS excerpt
) AS letters
ANTI JOIN ledger.dead_letters AS known
    ON known.segment = letters.segment AND known.position = letters.position AND known.excerpt = letters.excerpt
"""


def drop_known(con: DuckDBPyConnection) -> int:
    """Leave out what the ledger has, and what comes twice in the batch; return how many lines that were.

    Ids sort by time, so only the batch's range of ids is looked at. An index would cost 50 bytes a call.
    """
    ((low, high, repeated),) = con.execute(_RANGE).fetchall()
    if low is None:
        return 0
    places = {"low": f"{quoted(low)}::UUID", "high": f"{quoted(high)}::UUID", "cold": cold.ids(con, low, high)}
    return _changed(con, _SEEN.format(**places)) + (_changed(con, _REPEATED) if repeated else 0)


def insert_calls(con: DuckDBPyConnection) -> int:
    """Insert the calls, each with what `priced` says of it: the plain ones, then the others if there are any."""
    ((calls,),) = con.execute("SELECT count(*) FROM priced").fetchall()
    con.execute(_RAW)
    plain = _changed(con, _INSERT_PLAIN)
    return plain if plain == calls else plain + _changed(con, _INSERT_UNUSUAL)


def insert_outcomes(con: DuckDBPyConnection) -> int:
    """Insert the outcomes."""
    return _changed(con, _OUTCOMES)


def insert_processes(con: DuckDBPyConnection, heads: Mapping[str, str]) -> int:
    """Insert the process lines; `heads` names the segment that each opens."""
    return _changed(con, _PROCESSES, {"ids": list(heads), "segments": list(heads.values())})


def insert_letters(con: DuckDBPyConnection, letters: Iterable[DeadLetter]) -> int:
    """Insert the dead letters that are new."""
    rows = [(x.segment, x.position, x.size, x.reason, x.excerpt) for x in letters]
    if not rows:
        return 0
    columns = ("segments", "positions", "sizes", "reasons", "excerpts")
    return _changed(con, _LETTERS, dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))


def _changed(con: DuckDBPyConnection, sql: str, parameters: Mapping[str, object] | None = None) -> int:
    ((count,),) = con.execute(sql, parameters or {}).fetchall()
    return int(count)
