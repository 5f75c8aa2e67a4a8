"""The public views: exactly the promised columns, money in DECIMAL, sums that tie out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from meter.ledger import Ledger, ingest
from meter.names import CLASSES, INPUT_CLASSES, OUTPUT_CLASSES, USUAL_CLASSES
from tests.ledger import books
from tests.ledger.records import TS, call, outcome, rows, segment, value

COLUMNS = {
    "calls": """
        call_id, started_at, duration_s, time_to_first_token_s, service, host, pid, provider, account, project, key_id, region,
        deployment, server_address, operation, api, request_model, response_model, priced_model, model_developer, service_tier,
        stream, status, error_type, attempts, usage_source, input_tokens, output_tokens, total_tokens, cache_read_tokens,
        cache_write_tokens, cache_write_5m_tokens, cache_write_1h_tokens, reasoning_tokens, input_audio_tokens,
        output_audio_tokens, other_usage, estimate_low, estimate_high, list_cost, list_currency, contracted_cost,
        effective_cost, currency, price_status, rate_card_id, contract_rule_id, parent_id, context, tags, trace_id, span_id,
        response_id, tag_set_id""",
    "charges": """
        call_id, started_at, usage_class, quantity, unit, unit_price, contracted_unit_price, priced_as,
        list_cost, list_currency, contracted_cost,
        effective_cost, currency, rate_card_id, contract_rule_id""",
    "exchange_rates": "from_currency, to_currency, valid_from, valid_to, rate, source, recorded_at",
    "outcomes": "outcome_id, occurred_at, name, value, currency, quantity, service, host, pid, tags, trace_id, span_id",
    "spend_daily": """
        day, service, provider, model, currency, calls, input_tokens, output_tokens, list_cost, contracted_cost, effective_cost,
        unpriced_calls""",
    "coverage": """
        month, calls, unpriced_calls, no_usage_calls, estimated_calls, untagged_calls, lost_calls, unmetered_calls, priced_share,
        estimated_share, untagged_share, lost_share, unmetered_share""",
    "billed_spend": """
        month, provider, account, currency, billing_currency, calls, unpriced_calls, unconverted_calls, effective_cost,
        billed_cost, lowest_rate, highest_rate, rate_sources""",
    "contracts": """
        contract_rule_id, name, provider, account, server_address, deployment, model, service_tier, region, usage_classes,
        valid_from, valid_to, multiplier, unit_prices, currency, volume_by, volume_method, volume_period, volume_tiers,
        commitment, commitment_price, fee, fee_per, fee_quantity, fee_spread, recorded_at, superseded_at""",
    "adjustments": """
        month, contract, contract_rule_id, provider, account, currency, kind, amount, quantity, unit, basis, multiplier, calls,
        uncounted_calls, for_month, period_state, description""",
    "adjustment_shares": """
        month, contract, contract_rule_id, kind, service, provider, account, model, team, tags, tokens, amount, currency""",
    "commitments": """
        contract, contract_rule_id, kind, provider, account, currency, unit, bought, paid, drawn, remaining, matched_spend,
        coverage, utilisation, run_out_on, expected_breakage, valid_from, valid_to, status, uncounted_calls""",
    "unmetered": "month, service, provider, server_address, calls",
    "unpriced": """
        provider, model, service_tier, price_status, usage_classes, calls, tokens, first_at, last_at, reason, likely_alias,
        relatives, bound_low, bound_high, currency, unbounded_classes""",
    "savings": """
        month, provider, model, currency, list_currency, calls, full_list_cost, cache_savings, batch_savings, flex_savings,
        list_cost, contract_savings, contracted_cost, commitment_savings, effective_cost, saved, effective_savings_rate""",
    "context_cost": """
        month, provider, model, input_over, input_up_to, calls, costed_calls, input_tokens, effective_cost, cost_per_call,
        currency, list_cost, long_context_premium, list_currency""",
    "revisions": """
        revision_id, kind, made_at, made_by, reason, since, until, filters, months, currency, calls, old_list_cost, new_list_cost,
        old_contracted_cost, new_contracted_cost, old_effective_cost, new_effective_cost, adjustment,
        usage_difference""",
    "cache_savings": """
        provider, model, list_currency, cache_read_tokens, cache_write_tokens, list_cost, list_cost_uncached, saved""",
}
EXACT = ("DECIMAL(26,12)", "DECIMAL(38,12)", "DECIMAL(38,24)")  # the last is an amount times a rate, unrounded
MONEY = (
    *("amount", "bought", "paid", "drawn", "remaining", "spend", "breakage", "cost", "price", "value", "saved"),
    *("estimate_low", "estimate_high", "list_cost_uncached", "bound_low", "bound_high", "savings", "cost_per_call"),
    *("premium", "savings_rate"),
)


@pytest.mark.parametrize("view", COLUMNS)
def test_a_view_has_the_promised_columns_and_its_money_is_decimal(ledger: Ledger, view: str) -> None:
    found = rows(ledger, f"SELECT column_name, column_type FROM (DESCRIBE {view})")
    assert [name for name, _ in found] == [name.strip() for name in COLUMNS[view].split(",")]
    for name, kind in found:
        if name.endswith(MONEY):
            assert kind.startswith("DECIMAL("), (name, kind)
            assert name.endswith("unit_price") or kind in EXACT, (name, kind)
    types = dict(found)
    assert types.get("started_at", "TIMESTAMP WITH TIME ZONE") == "TIMESTAMP WITH TIME ZONE"
    assert types.get("tags", "MAP(VARCHAR, VARCHAR)") == "MAP(VARCHAR, VARCHAR)"


def test_there_is_no_view_without_a_test(ledger: Ledger) -> None:
    found = rows(ledger, "SELECT view_name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal")
    assert {name for (name,) in found} == set(COLUMNS)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, (None, None, None)),
        ({"web_searches": 3}, (None, None, None)),
        ({"input": 0}, (0, None, 0)),
        ({"input": 11}, (11, None, 11)),
        ({"output": 7}, (None, 7, 7)),
        ({"input": 1, "cache_read": 2, "cache_write": 4, "cache_write_5m": 8, "cache_write_1h": 16}, (31, None, 31)),
        ({"output": 1, "reasoning": 2, "output_audio": 4}, (None, 7, 7)),
        ({"input": 1, "input_image": 2, "cache_read_audio": 4, "output": 8, "output_image": 16, "citation": 32}, (7, 56, 63)),
        ({"input": 0.5, "cache_read": 1.5, "output": 2}, (2, 2, 4)),
        ({"a class of tomorrow": 5, "input": 1}, (1, None, 1)),
        ({"input": 10**10, "output": 10**10}, (10**10, 10**10, 2 * 10**10)),
    ],
)  # fmt: skip
def test_input_includes_what_was_cached_and_output_what_was_reasoned(
    ledger: Ledger, usage: dict[str, Any], expected: Any
) -> None:
    segment(ledger.home, call(usage=usage))
    ingest(ledger)
    assert rows(ledger, "SELECT input_tokens, output_tokens, total_tokens FROM calls") == [expected]


def test_every_class_comes_back_as_it_was_recorded(ledger: Ledger) -> None:
    whole = {usage_class.name: 10 + n for n, usage_class in enumerate(CLASSES)}
    broken = {name: count + 0.25 for name, count in whole.items()}
    plain = {"input": 0, "output": 5}
    segment(
        ledger.home,
        call(TS, usage=whole),
        call(TS + 1, usage=broken),
        call(TS + 2, usage=plain),
        call(TS + 3, usage={}),
    )
    ingest(ledger)
    found = [usage for (usage,) in rows(ledger, "SELECT usage FROM ledger.billed_usage ORDER BY started_at")]
    assert found[:3] == [
        {name: Decimal(str(count)) for name, count in usage.items()} for usage in (whole, broken, plain)
    ]
    assert not found[3]
    columns = ", ".join(USUAL_CLASSES)
    stored = rows(ledger, f"SELECT {columns}, json_keys(other_usage) FROM ledger.calls ORDER BY started_at")
    assert stored[0] == (
        *(whole[name] for name in USUAL_CLASSES),
        [name for name in whole if name not in USUAL_CLASSES],
    )
    assert stored[1] == (*[None] * len(USUAL_CLASSES), list(whole))
    assert stored[2][-1] is None
    tokens = rows(ledger, "SELECT input_tokens, output_tokens FROM calls ORDER BY started_at")[0]
    assert tokens == (sum(whole[name] for name in INPUT_CLASSES), sum(whole[name] for name in OUTPUT_CLASSES))


def test_each_class_has_the_unit_of_its_name(ledger: Ledger) -> None:
    segment(ledger.home, call(usage={usage_class.name: 1 for usage_class in CLASSES}))
    ingest(ledger)
    assert dict(rows(ledger, "SELECT usage_class, unit FROM charges")) == {c.name: c.unit for c in CLASSES}


MIXED = (
    call(usage={"input": 1000, "cache_read": 333, "output": 77}),
    call(usage={"input": 5}, request_model="no-such-model", response_model="no-such-model"),
    call(usage={"input": 5}, request_model="no-such-model", response_model="no-such-model",
         reported_cost="0.0123", reported_currency="EUR"),
    call(usage={"input": 10, "social_searches": 2}),
    call(usage=None, status="error"),
    call(provider="anthropic", request_model="claude-sonnet-4-5", response_model="claude-sonnet-4-5-20250929",
         usage={"input": 3, "cache_read": 1000, "cache_write_5m": 500, "cache_write_1h": 7, "output": 9}),
    call(tags=None, source="partial", usage={"input": 12}, seen_chars=400, status="aborted"),
)  # fmt: skip


@pytest.fixture
def mixed(ledger: Ledger) -> Ledger:
    """A ledger with a call of every price status, and an outcome."""
    segment(ledger.home, *MIXED, outcome(tags={"team": "search"}))
    ingest(ledger)
    return ledger


def test_a_calls_cost_is_the_sum_of_its_charges(mixed: Ledger) -> None:
    differing = """
        SELECT calls.* FROM calls
        LEFT JOIN (
            SELECT call_id, sum(effective_cost) AS cost, sum(list_cost) AS list FROM charges GROUP BY call_id
        ) AS sums USING (call_id)
        WHERE calls.effective_cost IS DISTINCT FROM sums.cost OR calls.list_cost IS DISTINCT FROM sums.list
    """
    assert rows(mixed, differing) == []
    assert dict(rows(mixed, "SELECT price_status, count(*) FROM calls GROUP BY 1"))["reported"] == 1
    assert rows(
        mixed, "SELECT quantity, unit, effective_cost, currency FROM charges WHERE usage_class = 'reported'"
    ) == [(Decimal(1), "call", Decimal("0.0123"), "EUR")]


def test_spend_by_day_adds_up_to_the_calls_in_the_ledgers_time_zone(mixed: Ledger) -> None:
    by_currency = "SELECT currency, sum(effective_cost) FROM {} GROUP BY currency ORDER BY currency"
    assert rows(mixed, by_currency.format("spend_daily")) == rows(mixed, by_currency.format("calls"))
    assert {str(day) for (day,) in rows(mixed, "SELECT DISTINCT day FROM spend_daily")} == {"2025-11-13"}
    mixed.home.config.write_text("[period]\ntimezone = 'America/Los_Angeles'")
    assert {str(day) for (day,) in rows(mixed, "SELECT DISTINCT day FROM spend_daily")} == {"2025-11-12"}


def test_coverage_counts_what_is_not_known(mixed: Ledger) -> None:
    (found,) = rows(
        mixed,
        "SELECT * EXCLUDE (month, priced_share, estimated_share, untagged_share, lost_share, unmetered_share) FROM coverage",
    )
    partial = value(mixed, "SELECT count(*) FROM calls WHERE price_status = 'partial'")
    assert found == (7, 1 + partial, 1, 1, 1, 0, 0)
    shares = rows(mixed, "SELECT untagged_share, lost_share FROM coverage")
    assert shares == [(pytest.approx(1 / 7), 0.0)]


def test_what_has_no_price_is_listed_with_its_tokens(mixed: Ledger) -> None:
    found = rows(
        mixed,
        "SELECT provider, model, price_status, usage_classes, calls, tokens FROM unpriced WHERE price_status = 'unpriced'",
    )
    assert found == [("openai", "no-such-model", "unpriced", ["input"], 1, Decimal(5))]


def test_cached_tokens_are_compared_with_fresh_ones(mixed: Ledger) -> None:
    found = rows(
        mixed,
        "SELECT * EXCLUDE (provider, model, list_currency) FROM cache_savings WHERE provider = 'anthropic'",
    )
    expected = 1000 * Decimal("0.0000003") + 500 * Decimal("0.00000375") + 7 * Decimal("0.000006")
    uncached = 1507 * Decimal("0.000003")
    assert found == [(Decimal(1000), Decimal(507), expected, uncached, uncached - expected)]


def test_a_contracted_cost_that_differs_is_shown_and_one_that_does_not_takes_no_room(mixed: Ledger) -> None:
    with mixed.writing() as con:
        assert con.execute(
            "SELECT count(contracted_cost_if_other), count(effective_cost_if_other) FROM ledger.calls"
        ).fetchall() == [(0, 0)]
        con.execute("UPDATE ledger.calls SET contracted_cost_if_other = list_cost / 2 WHERE provider = 'anthropic'")
    shown = rows(
        mixed,
        "SELECT list_cost > contracted_cost, contracted_cost = effective_cost FROM calls WHERE provider = 'anthropic'",
    )
    assert shown == [(True, True)]


@pytest.mark.parametrize("contract", ["", books.FIFTH_OFF, books.COMMITMENT])
def test_a_call_without_a_price_has_charges_without_a_cost(ledger: Ledger, contract: str) -> None:
    """Not even 0, for the class that was measured as zero: the sum of the charges would then be 0 and the call's cost unknown."""
    books.contract(ledger, contract)
    books.filled(ledger, call(TS + 30 * books.DAY, usage={"cache_read": 0, "novel": 5}))
    assert rows(ledger, "SELECT price_status, list_cost, contracted_cost, effective_cost FROM calls") == [
        ("unpriced", None, None, None)
    ]
    asked = "SELECT usage_class, list_cost, contracted_cost, effective_cost FROM charges ORDER BY usage_class"
    assert rows(ledger, asked) == [("cache_read", None, None, None), ("novel", None, None, None)]


def test_estimates_are_in_the_usage_and_marked(mixed: Ledger) -> None:
    found = rows(
        mixed,
        "SELECT usage_source, output_tokens > 0, estimate_low < estimate_high FROM calls WHERE status = 'aborted'",
    )
    assert found == [("estimated", True, True)]
    estimated, output = rows(
        mixed,
        "SELECT (estimated_usage->>'output')::DECIMAL(24, 6), output FROM ledger.calls WHERE usage_source = 'estimated'",
    )[0]
    assert estimated == output


def test_what_was_cached_of_sound_and_images_is_cached_too(ledger: Ledger) -> None:
    books.filled(
        ledger,
        call(
            TS + 1,
            usage={"input": 1, "cache_read": 10, "cache_read_audio": 20, "cache_read_image": 40, "input_audio": 5},
        ),
        call(TS + 2, usage={"input": 1, "cache_write_5m": 100, "cache_write_audio": 200}),
        call(TS + 3, usage={"input": 1, "cache_read_video": 3, "input_video": 2}),
        call(TS + 4, usage={"input": 1, "input_video": 2}),
        call(TS + 5, usage={"input": 1}),
    )
    columns = "cache_read_tokens, cache_write_tokens, input_audio_tokens"
    assert rows(ledger, f"SELECT {columns} FROM calls ORDER BY started_at") == [
        (70, None, 25),
        (None, 300, 200),
        (3, None, None),
        (None, None, None),
        (None, None, None),
    ]
    books.assert_days_tie(ledger)
    assert value(ledger, "SELECT sum(cache_read_tokens) FROM ledger.all_days") == 73
