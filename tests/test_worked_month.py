"""One month by hand: a contract, a commitment, a new price in mid-month, a flat fee, an unknown model, two currencies, a batch.

Every figure below was worked out on paper from the price pages, in the comments beside the calls.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from meter import event, recorder
from meter.home import Home, ensure
from tests.cli.running import run

OCTOBER = """
[contracts.claude]                       # a fifth off from the 15th
provider = "anthropic"
from = 2026-10-15
multiplier = "0.8"

[contracts.prepaid]                      # 0.25 USD of usage, bought for 0.20
provider = "openai"
from = 2026-10-01
to = 2026-11-01
commitment = { amount = "0.25", price = "0.20" }

[contracts.throughput]                   # half a dollar an hour for two days; calls are included
provider = "azure.ai.openai"
deployment = "prod-eu"
from = 2026-10-30
to = 2026-11-01
multiplier = 0
fee = { amount = "0.50", per = "hour" }

[contracts.mistral]                      # a price of our own, in euros
provider = "mistral_ai"
model = "mistral-large-*"
currency = "EUR"
prices = { input = "2", output = "6" }

[aliases]
"prod-eu" = "gpt-4o"

[currencies]
[[currencies.rates]]
from = "EUR"
to = "USD"
on = 2026-10-01
rate = "1.10"
source = "treasury"
"""
SONNET, GLM, MINI, LARGE = "claude-sonnet-4-5", "z-ai/glm-5", "gpt-4o-mini", "mistral-large-4"
CALLS: list[tuple[str, str, str, dict[str, int], dict[str, Any]]] = [
    # 3 and 15 USD per million: 0.30 + 0.15 = 0.45; from the 15th × 0.8 = 0.36
    ("2026-10-10", "anthropic", SONNET, {"input": 100_000, "output": 10_000}, {}),
    ("2026-10-20", "anthropic", SONNET, {"input": 100_000, "output": 10_000}, {}),
    # 1.00 and 3.20 until the 19th, 0.60 and 1.92 from the 20th: 1.00 + 0.32 = 1.32, then 0.60 + 0.192 = 0.792
    ("2026-10-19", "openrouter", GLM, {"input": 1_000_000, "output": 100_000}, {}),
    ("2026-10-20", "openrouter", GLM, {"input": 1_000_000, "output": 100_000}, {}),
    # 0.15 and 0.60: 0.15 + 0.06 = 0.21; as a batch half of it, 0.105
    ("2026-10-21", "openai", MINI, {"input": 1_000_000, "output": 100_000}, {"tier": "batch"}),
    ("2026-10-22", "openai", MINI, {"input": 1_000_000, "output": 100_000}, {}),
    # 2 and 6 EUR: 1.00 + 0.60 = 1.60 EUR
    ("2026-10-25", "mistral_ai", LARGE, {"input": 500_000, "output": 100_000}, {}),
    # nobody knows its price
    ("2026-10-26", "openai", "acme-secret-1", {"input": 4_000, "output": 1_000}, {}),
    # 2.50 per million at list: 0.25; nothing by contract
    ("2026-10-30", "azure.ai.openai", "gpt-4o", {"input": 100_000}, {"deployment": "prod-eu"}),
]


@pytest.fixture
def october(home: Home) -> Home:
    ensure(home)
    home.config.write_text(OCTOBER)
    for day, provider, model, usage, more in CALLS:
        record(day, provider, model, usage, more)
    recorder.close()
    assert run("ingest").code == 0
    return home


def record(day: str, provider: str, model: str, usage: dict[str, int], more: dict[str, Any]) -> None:
    ts = int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()) * 1_000_000
    known: dict[str, Any] = {"provider": provider, "request_model": model, "response_model": model, "usage": usage}
    recorder.write(event.Call(event.SCHEMA, event.new_id(ts), ts, source="reported", status="ok", **known, **more))


def ask(statement: str) -> list[list[Any]]:
    shown = run("sql", statement, "--format", "json")
    assert shown.code == 0, shown.err
    return [list(row.values()) for row in json.loads(shown.out)]


def test_each_call_has_the_cost_worked_out_by_hand(october: Home) -> None:
    costs = ask(
        "SELECT priced_model, contracted_cost, currency, price_status FROM calls ORDER BY started_at, contracted_cost"
    )
    assert costs == [
        [SONNET, "0.45", "USD", "priced"],
        [GLM, "1.32", "USD", "priced"],
        [SONNET, "0.36", "USD", "priced"],
        [GLM, "0.792", "USD", "priced"],
        [MINI, "0.105", "USD", "priced"],
        [MINI, "0.21", "USD", "priced"],
        [LARGE, "1.6", "EUR", "priced"],
        [None, None, "USD", "unpriced"],
        ["gpt-4o", "0", "USD", "free"],
    ]


def test_list_and_contracted_cost_stand_side_by_side(october: Home) -> None:
    statement = "SELECT sum(list_cost), sum(contracted_cost), sum(effective_cost) FROM calls WHERE currency = 'USD'"
    assert ask(statement) == [["3.577", "3.237", "3.237"]]


def test_what_is_owed_by_the_month_stands_in_adjustments(october: Home) -> None:
    """0.315 of usage drew all of the 0.25 that was bought for 0.20: 0.05 off. Two days are 48 hours at 0.50: 24."""
    found = ask("SELECT contract, kind, amount FROM adjustments WHERE amount <> 0 ORDER BY ALL")
    assert found == [["prepaid", "commitment_discount", "-0.05"], ["throughput", "fee", "24"]]
    drawn = ask(
        "SELECT bought, paid, drawn, remaining, utilisation, coverage, status FROM commitments WHERE contract = 'prepaid'"
    )
    assert drawn[0][:5] == ["0.25", "0.2", "0.25", "0", "1"]
    assert Decimal(drawn[0][5]) == (Decimal("0.25") / Decimal("0.315")).quantize(Decimal("1e-12"))


def test_the_month_in_all_is_calls_and_adjustments(october: Home) -> None:
    total = """
        SELECT sum(amount)
        FROM (
            SELECT contracted_cost AS amount, currency FROM calls
            UNION ALL
            SELECT amount, currency FROM adjustments
        )
        WHERE currency = 'USD'"""
    assert ask(total) == [["27.187"]]
    levers = "SELECT sum(list_cost), sum(contract_savings), sum(commitment_savings), sum(effective_cost) FROM savings"
    assert ask(f"{levers} WHERE currency = list_currency") == [["3.577", "-23.66", "0.05", "27.187"]]


def test_in_one_currency_the_euros_come_in_at_the_days_rate(october: Home) -> None:
    """3.237 USD and 1.60 EUR × 1.10 = 1.76 are 4.997 USD; the unknown model is in no sum, and is counted."""
    shown = run("report", "totals", "--month", "2026-10", "--currency", "USD", "--format", "json", "--strict")
    (row,) = json.loads(shown.out)
    assert (row["effective_cost"], row["unpriced_calls"], row["calls"]) == ("4.997", 1, 9)
    assert shown.code == 3
    assert "1.1" in shown.err
    assert "treasury" in shown.err


def test_the_unknown_model_is_loud(october: Home) -> None:
    reason = "the price book has no model 'acme-secret-1' of openai"
    assert ask("SELECT model, calls, tokens, reason FROM unpriced") == [["acme-secret-1", 1, 5000, reason]]
    shown = run("spend", "--month", "2026-10")
    assert shown.code == 0
    assert "what contracts settle by the month is not in it: meter report adjustments" in shown.err
    assert "contracts settle more" not in run("spend", "--month", "2026-09").err
    assert run("spend", "--month", "2026-10", "--strict").code == 3


def test_charges_tie_out_to_the_calls_in_each_currency(october: Home) -> None:
    charged = ask("SELECT currency, sum(list_cost), sum(contracted_cost) FROM charges GROUP BY ALL ORDER BY ALL")
    assert charged == ask("SELECT currency, sum(list_cost), sum(contracted_cost) FROM calls GROUP BY ALL ORDER BY ALL")
