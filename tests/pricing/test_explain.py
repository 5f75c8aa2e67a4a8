"""`explain` shows the arithmetic of one call in a whole ledger, and says why a cost is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import duckdb
import pytest

import meter
from meter.errors import MeterError
from meter.home import Home, ensure
from meter.ledger import Ledger, ingest, open_ledger
from meter.pricing.explain import Explanation, explain
from tests.ledger.records import call as line
from tests.ledger.records import segment, value


@pytest.fixture
def explained(home: Home) -> Iterator[Any]:
    """Record a call, ingest it, and explain it."""

    def record_and_explain(model: str = "gpt-4o-mini", provider: str = "openai", **fields: Any) -> Explanation:
        call_id = meter.record(provider=provider, model=model, **fields)
        ledger = open_ledger(home)
        ingest(ledger)
        with ledger.reading() as con:
            return explain(con, call_id)

    yield record_and_explain


USAGE = {"input": 600, "cache_read": 400, "output": 150, "reasoning": 50}


def test_the_lines_of_an_explanation_add_up_to_the_cost(explained: Any) -> None:
    found: Explanation = explained(usage=USAGE)
    assert {line.usage_class: line.list_cost for line in found.lines} == {
        "input": Decimal("0.00009"),
        "cache_read": Decimal("0.00003"),
        "output": Decimal("0.00009"),
        "reasoning": Decimal("0.00003"),
    }
    assert sum(line.list_cost or 0 for line in found.lines) == found.list_cost == Decimal("0.00024")
    assert {line.usage_class: line.priced_as for line in found.lines if line.priced_as} == {"reasoning": "output"}
    assert found.card is not None
    assert (found.card.provider, found.card.model, found.card.source) == ("openai", "gpt-4o-mini", "genai-prices")
    assert found.reason is None


def test_the_long_context_card_is_the_one_that_is_shown(explained: Any) -> None:
    found: Explanation = explained("claude-sonnet-4-5", "anthropic", usage={"input": 200_001})
    assert found.card is not None
    assert (found.card.input_over, found.card.input_up_to, found.list_cost) == (200_000, None, Decimal("1.200006"))


def test_a_least_billed_quantity_is_shown_beside_what_was_used(explained: Any) -> None:
    found: Explanation = explained("whisper-large-v3", "groq", usage={"audio_seconds": 3})
    (line,) = found.lines
    assert (line.quantity, line.billed) == (Decimal(3), Decimal(10))


REASONS: dict[str, dict[str, Any]] = {
    "the price book has no provider 'nobody'": {"provider": "nobody", "usage": USAGE},
    "the price book has no model 'acme-7b' of openai": {"model": "acme-7b", "usage": USAGE},
    "openai has no price for gpt-4o-mini under: service_tier=scale": {"tier": "scale", "usage": USAGE},
    "openai has no price for gpt-4o-mini under: processing=batch, before 2026-10-14": {
        "tier": "batch",
        "usage": USAGE,
        "started_at": datetime(2026, 10, 13, tzinfo=timezone.utc),
    },
    "gpt-4o-mini has no price for: images": {"usage": {"images": 2}},
    "gpt-4o-mini has no price for: code_executions": {"usage": USAGE | {"code_executions": 2}},
    "the provider reported no usage, and nothing was seen to estimate it from": {"usage": {}, "status": "error"},
}


@pytest.mark.parametrize("reason", REASONS)
def test_an_unknown_cost_has_its_reason(explained: Any, reason: str) -> None:
    assert explained(**REASONS[reason]).reason == reason


def test_a_tier_that_was_only_asked_for_is_the_reason_too(home: Home) -> None:
    ensure(home)
    ledger = Ledger(home)
    segment(ledger.home, line(tier=None, requested_tier="scale"))
    ingest(ledger)
    call_id = str(value(ledger, "SELECT call_id FROM calls"))
    with ledger.reading() as con:
        assert explain(con, call_id).reason == "openai has no price for gpt-4o-mini under: service_tier=scale"


@pytest.mark.parametrize("call_id", ["0" * 32, "not an id"])
def test_a_call_that_the_ledger_does_not_have_is_an_error_with_a_next_step(home: Home, call_id: str) -> None:
    meter.record(provider="openai", model="gpt-4o-mini", usage=USAGE)
    ledger = open_ledger(home)
    ingest(ledger)
    with ledger.reading() as con, pytest.raises(MeterError, match="has no call") as caught:
        explain(con, call_id)
    assert caught.value.hint
    assert isinstance(con, duckdb.DuckDBPyConnection)
