"""The history's models against the catalogue: what is to be priced is, what is not is not, and a price changes inside it."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price

from meter.demo.workloads import WORKLOADS
from meter.names import PROVIDERS
from meter.simulator import SNAPSHOTS

IDS = {provider.name: provider.genai_id for provider in PROVIDERS}
MODELS = sorted({(load.provider, SNAPSHOTS.get(model, model)) for load in WORKLOADS for _, model in load.models})
UNPRICED = {("vllm", "acme-lab-70b")}


def price(provider: str, model: str, day: str) -> Decimal:
    usage = Usage(input_tokens=1_000_000)
    moment = datetime.fromisoformat(day).replace(tzinfo=timezone.utc)
    return calc_price(usage, model_ref=model, provider_id=IDS[provider], genai_request_timestamp=moment).total_price


@pytest.mark.parametrize(("provider", "model"), [pair for pair in MODELS if pair not in UNPRICED])
def test_every_other_model_has_a_price(provider: str, model: str) -> None:
    assert price(provider, model, "2026-11-01") > 0


@pytest.mark.parametrize(("provider", "model"), sorted(UNPRICED))
def test_one_model_has_none(provider: str, model: str) -> None:
    assert IDS[provider] is None


@pytest.mark.parametrize(
    ("provider", "model", "before", "after"),
    [
        ("openai", "gpt-5.6-luna", "2026-07-29", "2026-07-30"),
        ("openai", "gpt-5.6-sol", "2026-08-20", "2026-08-21"),
        ("mistral_ai", "mistral-medium-latest", "2026-06-15", "2026-06-16"),
    ],
)
def test_prices_change_while_the_history_uses_them(provider: str, model: str, before: str, after: str) -> None:
    since = next(since for load in WORKLOADS for since, name in load.models if name == model)
    assert since < before
    assert price(provider, model, before) != price(provider, model, after)
