"""The promise of exact costs: for every model of the catalogue, SQL and `calc_price` agree to the last digit of every charge."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice

import duckdb
import pytest
from genai_prices.types import ModelInfo, Provider

from tests.pricing import oracle
from tests.pricing.batches import Row, call, price_table
from tests.pricing.oracle import Case

RANDOM_USAGES = 200
SHARDS = 4
BATCH = 20_000

_EXPECTED = {
    "id": "UUID",
    "case_text": "VARCHAR",
    "list_cost": "DECIMAL(26, 12)",
    "price_status": "VARCHAR",
    "priced_model": "VARCHAR",
    "charges": "MAP(VARCHAR, DECIMAL(26, 12))",
}
_FILL = f"""
CREATE OR REPLACE TEMP TABLE expected AS
SELECT unnest(from_json($rows, '[{json.dumps(_EXPECTED)}]'), recursive := true)
"""
_DIFFERENT_CALLS = """
SELECT expected.*, priced.list_cost, priced.price_status, priced.priced_model
FROM expected
LEFT JOIN priced USING (id)
WHERE (priced.list_cost, priced.priced_model) IS DISTINCT FROM (expected.list_cost, expected.priced_model)
    OR CASE expected.price_status
        WHEN 'known' THEN priced.price_status NOT IN ('priced', 'free')
        ELSE priced.price_status IS DISTINCT FROM expected.price_status
    END
LIMIT 3
"""
_DIFFERENT_CHARGES = """
WITH wanted AS (SELECT id, case_text, unnest(map_entries(charges), recursive := true) FROM expected)
SELECT wanted.*, lines.list_cost, lines.usage_class
FROM wanted
FULL JOIN (
    FROM ledger.usage_lines('stored') SEMI JOIN expected ON expected.id = call_id AND expected.charges IS NOT NULL
) AS lines ON lines.call_id = wanted.id AND lines.usage_class = wanted.key
WHERE lines.list_cost IS DISTINCT FROM wanted.value OR lines.call_id IS NULL OR wanted.id IS NULL
LIMIT 3
"""


@pytest.mark.parametrize("shard", range(SHARDS))
def test_sql_equals_calc_price_for_every_model_date_tier_and_class(book: duckdb.DuckDBPyConnection, shard: int) -> None:
    rng = random.Random(20261122 + shard)
    cases = oracle.cases(oracle.listed()[shard::SHARDS], RANDOM_USAGES, rng)
    compared = sum(compare(book, batch, rng) for batch in batches(cases))
    assert compared > 100_000


def compare(book: duckdb.DuckDBPyConnection, batch: list[Case], rng: random.Random) -> int:
    """Price a batch both ways, and compare in columns: each call's cost, status and model, and each charge."""
    names = {id(quote): quote for quote in (case.quote for case in batch)}
    references = {key: name_of(quote.provider, quote.model) for key, quote in names.items()}
    reachable = [(case, reference) for case in batch if (reference := references[id(case.quote)])]
    calls = [as_call(case, reference, rng) for case, reference in reachable]
    price_table(book, calls)
    rows = [expected(case, row["id"]) for (case, _), row in zip(reachable, calls, strict=True)]
    book.execute(_FILL, {"rows": json.dumps(rows)})
    for query in (_DIFFERENT_CALLS, _DIFFERENT_CHARGES):
        assert book.execute(query).fetchall() == []
    return len(rows)


def expected(case: Case, call_id: str) -> Row:
    """Return what the oracle says of one call; without charges where there is no price at all."""
    row: Row = {"id": call_id, "case_text": str(case), "price_status": "unpriced", "priced_model": case.quote.model.id}
    if not case.quote.is_named:
        return row
    charges = oracle.charges(case)
    known = {name: charge for name, charge in charges.items() if charge is not None}
    lacking = any(charges[name] is None and count > 0 for name, count in case.usage.items())
    has_some = any(case.usage.get(name, 1) > 0 for name in known)
    if not known or (lacking and not has_some):
        return row
    return row | {
        "price_status": "partial" if lacking else "known",
        "list_cost": f"{sum(known.values(), Decimal(0)):f}",
        "charges": {name: None if charge is None else f"{charge:f}" for name, charge in charges.items()},
    }


def test_nearly_every_model_can_be_named_by_a_call() -> None:
    unreachable = [(provider.id, model.id) for provider, model in oracle.listed() if name_of(provider, model) is None]
    assert len(unreachable) < 10, unreachable


def batches(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Cut the cases into batches."""
    source = iter(cases)
    return iter(lambda: list(islice(source, BATCH)), [])


def as_call(case: Case, reference: str, rng: random.Random) -> Row:
    """Return the call as Meter records it: tiers where they stand, other conditions in the context."""
    when = case.quote.when
    context = {key: value for key, value in when.items() if key != "service_tier"}
    tier = when.get("service_tier")
    if context.get("processing") == "batch" and rng.random() < 0.5:
        tier = context.pop("processing")
    return call(
        reference,
        case.quote.provider.id,
        usage=case.usage,
        started_at=case.quote.moment,
        context=context or None,
        tier=tier or rng.choice((None, "default", "standard", "auto")),
    )


def name_of(provider: Provider, model: ModelInfo) -> str | None:
    """Return a name that the provider's matchers take for this model."""
    candidates = [model.id, *re.findall(r"(?:equals|starts_with|contains|ends_with)='([^']+)'", str(model.match))]
    return next((name for name in candidates if provider.find_model(name) is model), None)
