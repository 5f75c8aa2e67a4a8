"""The promise of exact costs: for every model of the catalogue, SQL and `calc_price` agree to the last digit of every charge."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from uuid import UUID

import duckdb
import pytest
from genai_prices.types import ModelInfo, Provider

from tests.pricing import oracle
from tests.pricing.batches import Row, call, charges, price_calls
from tests.pricing.oracle import Case

EVERYTHING = bool(os.environ.get("METER_TEST_ALL"))
RANDOM_USAGES = 200 if EVERYTHING else 6
SHARDS = 2
BATCH = 20_000


@pytest.mark.parametrize("shard", range(SHARDS))
def test_sql_equals_calc_price_for_every_model_date_tier_and_class(book: duckdb.DuckDBPyConnection, shard: int) -> None:
    rng = random.Random(20261122 + shard)
    cases = oracle.cases(oracle.listed()[shard::SHARDS], RANDOM_USAGES, rng)
    compared = sum(compare(book, batch, rng) for batch in batches(cases))
    assert compared > 1_000 * RANDOM_USAGES


def compare(book: duckdb.DuckDBPyConnection, batch: list[Case], rng: random.Random) -> int:
    """Price a batch both ways."""
    reachable = [(case, reference) for case in batch if (reference := name_of(case.provider, case.model))]
    calls = [as_call(case, reference, rng) for case, reference in reachable]
    rows = price_calls(book, calls)
    lines: dict[UUID, dict[str, Row]] = {}
    for line in charges(book):
        lines.setdefault(line["call_id"], {})[line["usage_class"]] = line
    for (case, _), row in zip(reachable, rows, strict=True):
        check(case, row, {name: line["list_cost"] for name, line in lines[row["id"]].items()})
    return len(rows)


def check(case: Case, row: Row, found: dict[str, Decimal | None]) -> None:
    """Compare one call with the oracle: status, cost, and each charge."""
    where = (case.provider.id, case.model.id, case.moment, case.when, case.usage)
    if not oracle.is_named(case):
        assert row["price_status"] == "unpriced", where
        return
    expected = oracle.charges(case)
    known = {name: charge for name, charge in expected.items() if charge is not None}
    lacking = any(expected[name] is None and count > 0 for name, count in case.usage.items())
    has_some = any(case.usage.get(name, Decimal(1)) > 0 for name in known)
    if not known or (lacking and not has_some):
        assert row["price_status"] == "unpriced", where
        return
    assert row["list_cost"] == sum(known.values(), Decimal(0)), where
    assert found == expected, where
    assert (row["price_status"] == "partial") == lacking, where
    assert row["priced_model"] == case.model.id, where


def test_the_charges_of_the_oracle_add_up_to_what_calc_price_says_of_the_whole_call() -> None:
    rng = random.Random(7)
    cases = list(oracle.cases(oracle.listed()[::7], 1, rng))
    for case in cases:
        said, summed = oracle.whole(case)
        assert abs(said - summed) < Decimal("1e-40"), case
    assert len(cases) > 300


def test_nearly_every_model_can_be_named_by_a_call() -> None:
    unreachable = [(provider.id, model.id) for provider, model in oracle.listed() if name_of(provider, model) is None]
    assert len(unreachable) < 10, unreachable


def batches(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Cut the cases into batches."""
    source = iter(cases)
    return iter(lambda: list(islice(source, BATCH)), [])


def as_call(case: Case, reference: str, rng: random.Random) -> Row:
    """Return the call as Meter records it: tiers where they stand, other conditions in the context."""
    context = {key: value for key, value in case.when.items() if key != "service_tier"}
    tier = case.when.get("service_tier")
    if context.get("processing") == "batch" and rng.random() < 0.5:
        tier = context.pop("processing")
    return call(
        reference,
        case.provider.id,
        usage=case.usage,
        started_at=case.moment,
        context=context or None,
        tier=tier or rng.choice((None, "default", "standard", "auto")),
    )


def name_of(provider: Provider, model: ModelInfo) -> str | None:
    """Return a name that the provider's matchers take for this model."""
    candidates = [model.id, *re.findall(r"(?:equals|starts_with|contains|ends_with)='([^']+)'", str(model.match))]
    return next((name for name in candidates if provider.find_model(name) is model), None)
