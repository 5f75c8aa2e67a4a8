"""Reports on the sample ledger: each equals its golden, and money ties out to the ledger to the last digit."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meter.exporters.rows import write_rows
from meter.home import Home
from meter.ledger import Ledger
from meter.queries import FOLDERS, Query, get, load
from tests.queries.sample import LAST_MONTH, NOW, THIS_MONTH, sample_ledger

GOLDENS = Path(__file__).parent / "goldens"
VALUES: dict[str, Any] = {
    **THIS_MONTH,
    "since": THIS_MONTH["from"],
    "until": THIS_MONTH["to"],
    "now": NOW,
    "by": "team,model",
    "tags": ["team"],
    "multipliers": [{"provider": "openai", "scenario": "x", "multiplier": "1.5"}],
}
WITHOUT_CONTRACTS = {"contracts", "adjustments", "adjustment_shares", "commitments"}
"""The sample has no contracts: tests/monthly has."""
ALL = [query for kind in FOLDERS for query in load(kind)]
IDS = [f"{query.kind}/{query.name}" for query in ALL]


def asked(query: Query) -> str:
    """Return the statement of a query; a view with parameters is a table macro."""
    arguments = f"({', '.join(f'${param.name}' for param in query.params)})" if query.params else ""
    return f"FROM {query.name}{arguments}" if query.kind == "views" else query.sql


def run(ledger: Ledger, query: Query, **values: Any) -> list[dict[str, Any]]:
    """Return a query's rows as JSON gives them: money as text."""
    bound = query.bind({param.name: {**VALUES, **values}.get(param.name) for param in query.params})
    sql = asked(query)
    stream = io.StringIO()
    with ledger.reading() as connection:
        cursor = connection.execute(sql, bound)
        columns = cursor.description or []
        write_rows(
            [name for name, *_ in columns], [str(kind) for _, kind, *_ in columns], cursor.fetchall(), "json", stream
        )
    rows: list[dict[str, Any]] = json.loads(stream.getvalue())
    return rows


def total(ledger: Ledger, since: str, until: str, currency: str = "USD") -> Decimal:
    """Return what the ledger's own table says was spent, without the public views."""
    with ledger.reading() as connection:
        row = connection.execute(
            """SELECT coalesce(sum(coalesce(effective_cost_if_other, contracted_cost_if_other, list_cost)), 0) FROM ledger.calls
            WHERE started_at >= $since::TIMESTAMPTZ AND started_at < $until::TIMESTAMPTZ AND currency = $currency""",
            {"since": since, "until": until, "currency": currency},
        ).fetchone()
    assert row
    return Decimal(row[0])


@pytest.mark.parametrize("query", ALL, ids=IDS)
def test_every_file_runs_on_an_empty_ledger(empty: Ledger, query: Query) -> None:
    rows = run(empty, query)
    assert len(rows) == {"reports/coverage": 1, "metrics/risk_multiplier": 1}.get(f"{query.kind}/{query.name}", 0)


@pytest.mark.parametrize("query", ALL, ids=IDS)
def test_every_file_runs_on_the_sample_and_its_money_is_decimal(sample: Ledger, query: Query) -> None:
    rows = run(sample, query)
    known_empty = {
        "contracts",
        "exchange_rates",
        "outcomes",
        "rates",
        "revisions",
        "spend_revision",
        "tokens_revision",
        "unpriced_bound",
    }
    known_empty |= {"unmetered", "unmetered_calls", "failures"}
    assert rows or query.name in WITHOUT_CONTRACTS | known_empty
    money = [name for name in (rows[0] if rows else {}) if name.endswith("_cost") or name in {"total", "saved"}]
    assert all(value is None or isinstance(value, str) for row in rows for value in map(row.get, money))


@pytest.mark.parametrize("query", load("reports"), ids=lambda query: query.name)
def test_each_report_equals_its_golden(sample: Ledger, query: Query) -> None:
    golden = GOLDENS / f"{query.name}.json"
    assert golden.exists(), f"write {golden.name}: a report is two files, itself and its golden"
    assert run(sample, query) == json.loads(golden.read_text("utf-8"))


def test_every_golden_has_its_report() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == {query.name for query in load("reports")}


@pytest.mark.parametrize("period", [THIS_MONTH, LAST_MONTH])
def test_the_chargeback_ties_out_to_the_ledger_to_the_last_digit(sample: Ledger, period: dict[str, str]) -> None:
    rows = run(sample, get("reports", "chargeback"), **period)
    assert sum(Decimal(row["total"] or 0) for row in rows) == total(sample, period["from"], period["to"]) > 0
    for row in rows:
        parts = [row[name] for name in ("direct_cost", "shared_cost", "adjustment")]
        assert row["total"] == row["direct_cost"]
        assert row["total"] is None or Decimal(row["total"]) == sum(map(Decimal, parts))


def test_the_chargeback_has_exactly_the_promised_columns_and_no_total_row(sample: Ledger) -> None:
    rows = run(sample, get("reports", "chargeback"))
    promised = "cost_center, provider, model, usage_class, quantity, unit, direct_cost, shared_cost, adjustment, total"
    assert {tuple(row) for row in rows} == {tuple(promised.split(", "))}
    assert {row["cost_center"] for row in rows} == {"CC-7", "search", "(unallocated)"}


def test_usage_without_a_price_stands_on_the_chargeback_with_an_unknown_cost(sample: Ledger) -> None:
    rows = run(sample, get("reports", "chargeback"))
    assert [(row["quantity"], row["total"]) for row in rows if row["model"] == "nobody-knows-it"] == [(50, None)]


def test_two_currencies_never_meet_on_a_chargeback(euros: Ledger) -> None:
    ledger, chargeback = euros, get("reports", "chargeback")
    with pytest.raises(duckdb.InvalidInputException, match="charges in EUR and USD: choose one currency"):
        run(ledger, chargeback)
    for currency in ("EUR", "USD"):
        rows = run(ledger, chargeback, currency=currency)
        assert sum(Decimal(row["total"] or 0) for row in rows) == total(
            ledger, THIS_MONTH["from"], THIS_MONTH["to"], currency
        )
    assert run(ledger, chargeback, **LAST_MONTH)  # which has one currency only


def test_a_currency_may_be_written_small(euros: Ledger) -> None:
    large, small = (run(euros, get("reports", "chargeback"), currency=text) for text in ("EUR", "eur"))
    assert small == large


@pytest.mark.parametrize("currency", ["GBP", "dollars", ""])
def test_a_currency_that_a_period_does_not_have_is_refused(euros: Ledger, currency: str) -> None:
    with pytest.raises(duckdb.InvalidInputException, match=f"no charges in {currency.upper()}, only in EUR and USD"):
        run(euros, get("reports", "chargeback"), currency=currency)


def test_a_line_without_cost_stands_where_its_call_does_and_one_without_price_everywhere(euros: Ledger) -> None:
    models = {
        currency: [(row["model"], row["usage_class"]) for row in rows if row["total"] is None]
        for currency in ("EUR", "USD")
        if (rows := run(euros, get("reports", "chargeback"), currency=currency))
    }
    assert models["EUR"] == [("nobody-knows-it", "input"), ("some/model", "input")]
    assert models["USD"] == [
        ("nobody-knows-it", "input"),
        ("some/model", "input"),
        ("some/model", "output"),
        ("claude-sonnet-4-5", "code_executions"),
        ("claude-sonnet-4-5", "web_fetches"),
    ]
    (usage,) = (
        row["quantity"]
        for row in run(euros, get("reports", "chargeback"), currency="EUR")
        if row["unit"] == "token" and row["provider"] == "openrouter"
    )
    assert usage == 1


@pytest.mark.parametrize("period", [THIS_MONTH, LAST_MONTH])
def test_the_view_and_the_report_of_coverage_count_alike(sample: Ledger, period: dict[str, str]) -> None:
    (report,) = run(sample, get("reports", "coverage"), **period)
    (view,) = (row for row in run(sample, get("views", "coverage")) if row["month"] == period["from"][:10])
    assert report["no_usage_calls"] == {THIS_MONTH["from"]: 1, LAST_MONTH["from"]: 0}[period["from"]]
    assert view["priced_share"] == report["priced_calls"] / report["calls"]
    assert view["unpriced_calls"] == report["unpriced_calls"] + report["partial_calls"]
    for name in ("calls", "no_usage_calls", "estimated_calls", "untagged_calls"):
        assert view[name] == report[name]


@pytest.mark.parametrize("name", ["spend", "totals", "teams", "models"])
@pytest.mark.parametrize("period", [THIS_MONTH, LAST_MONTH])
def test_every_report_on_spend_ties_out_to_the_ledger(euros: Ledger, name: str, period: dict[str, str]) -> None:
    rows = run(euros, get("reports", name), **period)
    for currency in ("EUR", "USD"):
        found = sum(Decimal(row["effective_cost"] or 0) for row in rows if row["currency"] == currency)
        assert found == total(euros, period["from"], period["to"], currency)


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("provider", {("anthropic",), ("openai",), ("openrouter",)}),
        ("feature", {("ranking",), ("(untagged)",)}),
        ("month,team", {("2026-10", "search"), ("2026-10", "answers"), ("2026-10", "(untagged)")}),
        ("error_type", {("RateLimitError",), (None,)}),
        ("'; DROP TABLE ledger.calls; --", {("(untagged)",)}),
    ],
)
def test_spend_goes_by_any_column_or_tag(sample: Ledger, by: str, keys: set[tuple[str | None, ...]]) -> None:
    assert {tuple(row["keys"]) for row in run(sample, get("reports", "spend"), by=by)} == keys


def test_the_months_of_a_report_follow_the_ledgers_time_zone(home: Home) -> None:
    home.path.mkdir(parents=True)
    home.config.write_text('[period]\ntimezone = "Asia/Tokyo"\n', "utf-8")
    ledger = sample_ledger(home)
    rows = run(ledger, get("reports", "spend"), by="month", **{"from": LAST_MONTH["from"]})
    assert {row["keys"][0]: row["calls"] for row in rows} == {"2026-09": 1, "2026-10": 12}


def test_the_days_and_months_of_the_views_follow_the_ledgers_time_zone(home: Home) -> None:
    home.path.mkdir(parents=True)
    home.config.write_text('[period]\ntimezone = "Asia/Tokyo"\n', "utf-8")
    ledger = sample_ledger(home)
    days = {row["day"] for row in run(ledger, get("views", "spend_daily"))}
    assert "2026-10-01" in days and "2026-09-30" not in days  # 23:59 UTC is tomorrow in Tokyo
    assert {row["month"]: row["calls"] for row in run(ledger, get("views", "coverage"))} == {
        "2026-09-01": 1,
        "2026-10-01": 12,
    }


def test_the_metric_of_tokens_counts_what_the_charges_count(sample: Ledger) -> None:
    with sample.reading() as connection:
        charged = connection.execute(
            """SELECT provider, request_model, response_model, usage_class, sum(quantity)
            FROM charges JOIN calls USING (call_id) WHERE unit = 'token' GROUP BY ALL"""
        ).fetchall()
    named = ("gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model", "usage_class")
    metric = run(sample, get("metrics", "tokens"), tags="")
    assert {tuple(row[name] for name in named): row["value"] for row in metric} == {
        tuple(row[:4]): row[4] for row in charged
    }
