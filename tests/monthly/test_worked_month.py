"""A month as finance sees it, from meter.toml to the reports: contract prices, and by the month what stands beside them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import meter
from meter.home import Home, ensure
from tests.cli.running import run

TERMS = """
[contracts.volume]
provider = "openai"
model = "gpt-4o-mini*"
volume = { by = "spend", method = "graduated", period = "month", tiers = [{ over = 0.10, multiplier = 0.9 }] }

[contracts.prepaid]
provider = "anthropic"
from = 2026-09-01
to = 2026-11-01
commitment = { amount = "10", price = "9" }

[contracts.gpus]
model = "acme-*"
from = 2026-10-30
to = 2026-11-02
fee = { amount = "2.50", per = "hour", quantity = 2, spread = true }

[contracts.seats]
provider = "cursor"
from = 2026-10-01
to = 2026-11-01
fee = { amount = "20", per = "month", quantity = 3 }
"""


def used(day: int, provider: str, model: str, usage: dict[str, int], team: str) -> None:
    at = datetime(2026, 10, day, 9, tzinfo=timezone.utc)
    meter.record(provider=provider, model=model, usage=usage, started_at=at, tags={"team": team})


def report(name: str) -> list[dict[str, Any]]:
    shown = run("report", name, "--month", "2026-10", "--format", "json")
    assert shown.code == 0, shown.err
    rows: list[dict[str, Any]] = json.loads(shown.out)
    return rows


def test_a_month_with_a_tier_a_commitment_and_two_fees(home: Home) -> None:
    ensure(home)
    home.config.write_text(TERMS)
    used(5, "openai", "gpt-4o-mini", {"input": 1_000_000}, "search")  # 0.15 USD: 0.05 of it in the second tier
    used(6, "anthropic", "claude-sonnet-4-5", {"input": 100_000, "output": 100_000}, "search")  # 0.30 + 1.50
    used(30, "vllm", "acme-70b", {"input": 100, "output": 200}, "search")
    used(31, "vllm", "acme-70b", {"input": 100}, "answers")
    assert run("ingest").code == 0

    found = {(row["contract"], row["kind"]): Decimal(row["amount"]) for row in report("adjustments")}
    assert found == {
        ("volume", "volume"): Decimal("-0.005"),
        ("prepaid", "commitment_discount"): Decimal("-0.18"),
        ("prepaid", "commitment_unused"): Decimal("7.38"),
        ("gpus", "fee"): Decimal(240),  # 48 hours of two
        ("seats", "fee"): Decimal(60),
    }
    asked = "SELECT service, team, amount FROM adjustment_shares WHERE contract = 'gpus' AND month = '2026-10-01' ORDER BY team"
    shares = json.loads(run("sql", asked, "--format", "json").out)
    assert {row["team"]: Decimal(row["amount"]) for row in shares} == {"answers": Decimal(60), "search": Decimal(180)}

    states = {row["contract"]: row for row in report("commitments")}
    prepaid, seats = states["prepaid"], states["seats"]
    names = ("bought", "paid", "drawn", "remaining", "expected_breakage", "coverage", "utilisation")
    assert [Decimal(prepaid[name]) for name in names] == list(
        map(Decimal, ("10", "9", "1.8", "8.2", "8.2", "1", "0.18"))
    )
    assert [Decimal(seats[name]) for name in names[:2]] == [3, 60]
    assert (prepaid["status"], seats["unit"], seats["drawn"]) == ("expired", "seat", None)
