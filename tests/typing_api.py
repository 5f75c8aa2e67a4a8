"""The public API as a user's type checker sees it; pyright reads this file, nothing runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from decimal import Decimal

import meter
from meter import outcome, tags


@tags(team="search")
def plain(number: int) -> str:
    return str(number)


@tags(team="search")
async def coroutine(number: int) -> str:
    return str(number)


@tags(team="search")
def generator() -> Iterator[int]:
    yield 1


@tags(team="search")
async def async_generator() -> AsyncIterator[int]:
    yield 1


async def use() -> None:
    text: str = plain(1)
    text = await coroutine(1)
    for number in generator():
        number.bit_length()
    async for number in async_generator():
        number.bit_length()
    with meter.tags(team="search", number=3):
        carried: dict[str, str] = meter.carry()
    async with meter.tags(**carried):
        pass
    call_id: str = meter.record(
        provider="openai",
        model="gpt-4o-mini",
        usage={"input": 1200, "audio_seconds": 2.5},
        started_at=datetime.now(),  # noqa: DTZ005
        duration_s=0.5,
        tags={"team": text},
    )
    outcome_id: str = outcome("ticket_resolved", value=Decimal("4.20"), customer=call_id)
    meter.install(service=outcome_id)
    meter.uninstall()
    figures = meter.risk.calculate_inference_risk(100_000, 50_000, -0.77)
    print(figures["current_estimate"], figures["risk_adjusted_estimate"], figures["volatility_index"])
    try:
        rows = meter.connect().execute("SELECT 1").fetchall()
        print(rows)
    except meter.MeterError as error:
        print(error.message, error.hint)
