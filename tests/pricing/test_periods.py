"""When prices hold: plain periods out of the catalogue's constraints."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TimeOfDateConstraint,
)

from meter.pricing import catalogue
from meter.pricing.catalogue import Offer
from meter.pricing.periods import DAY_S, windows

UTC = timezone.utc
NIGHT = TimeOfDateConstraint(time(22, tzinfo=UTC), time(6, tzinfo=UTC))
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def model(*prices: ConditionalPrice, variants: list[PriceVariant] | None = None) -> ModelInfo:
    return ModelInfo(id="m", match=ClauseEquals("m"), prices=list(prices), price_variants=variants)


def at(cost: int, constraint: Any = None) -> ConditionalPrice:
    return ConditionalPrice(constraint, prices=ModelPrice(input_mtok=Decimal(cost)))


def variant(cost: int, constraint: Any = None, **when: str) -> PriceVariant:
    return PriceVariant(when=when, prices=ModelPrice(input_mtok=Decimal(cost)), constraint=constraint)


def offers(monkeypatch: pytest.MonkeyPatch, *models: ModelInfo) -> list[Offer]:
    provider = Provider(id="p", name="P", api_pattern="https://p", models=list(models))
    monkeypatch.setattr(catalogue, "get_snapshot", lambda: type("Snapshot", (), {"providers": [provider]}))
    return [offer for compiled in catalogue.compiled() for offer in compiled.offers]


def plain(offer: Offer) -> list[tuple[Any, ...]]:
    return [
        (
            card.window.valid_from,
            card.window.valid_to,
            card.window.day_from_s // 3600,
            card.window.day_to_s // 3600,
            int(next(rate for rate in card.rates if rate.usage_class == "input").unit_price * 1_000_000),
        )
        for card in offer.cards
    ]


def test_a_price_without_conditions_holds_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    (offer,) = offers(monkeypatch, ModelInfo(id="m", match=ClauseEquals("m"), prices=ModelPrice(input_mtok=Decimal(3))))
    assert plain(offer) == [(None, None, 0, 24, 3)]


def test_each_change_of_price_starts_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    (offer,) = offers(monkeypatch, model(at(3), at(2, StartDateConstraint(MAY)), at(1, StartDateConstraint(JUNE))))
    assert plain(offer) == [(None, MAY, 0, 24, 3), (MAY, JUNE, 0, 24, 2), (JUNE, None, 0, 24, 1)]


def test_a_date_on_which_nothing_changes_starts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    (offer,) = offers(monkeypatch, model(at(3), at(3, StartDateConstraint(MAY)), at(1, StartDateConstraint(JUNE))))
    assert plain(offer) == [(None, JUNE, 0, 24, 3), (JUNE, None, 0, 24, 1)]


def test_a_night_price_crosses_midnight(monkeypatch: pytest.MonkeyPatch) -> None:
    (offer,) = offers(monkeypatch, model(at(3), at(1, NIGHT)))
    assert plain(offer) == [(None, None, 0, 6, 1), (None, None, 6, 22, 3), (None, None, 22, 24, 1)]


def test_a_night_price_that_starts_one_day_is_in_neither_earlier_card(monkeypatch: pytest.MonkeyPatch) -> None:
    day_price = StartDateConstraint(MAY)
    (offer,) = offers(monkeypatch, model(at(3), at(1, NIGHT), at(2, day_price)))
    assert plain(offer) == [
        (None, MAY, 0, 6, 1),
        (None, MAY, 6, 22, 3),
        (None, MAY, 22, 24, 1),
        (MAY, None, 0, 24, 2),
    ]


def test_times_of_day_with_an_offset_are_turned_to_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    constraint = TimeOfDateConstraint(time(9, tzinfo=tokyo), time(17, tzinfo=tokyo))
    (span,) = windows(model(at(3), at(1, constraint)))
    assert [(window.day_from_s, window.day_to_s) for window in span] == [(0, 28_800), (28_800, DAY_S)]
    assert all(window.moment.tzinfo is UTC for window in span)


def test_a_time_of_day_without_a_zone_is_utc() -> None:
    (span,) = windows(model(at(3), at(1, TimeOfDateConstraint(time(9), time(17)))))
    assert [window.day_from_s for window in span] == [0, 32_400, 61_200]


def test_a_time_of_day_between_two_seconds_cannot_be_stored() -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        list(windows(model(at(3), at(1, TimeOfDateConstraint(time(9, 0, 0, 1), time(17))))))


def test_a_moment_inside_a_window_is_inside() -> None:
    spans = list(windows(model(at(3), at(2, StartDateConstraint(MAY)), at(1, NIGHT))))
    for window in (window for span in spans for window in span):
        start = datetime.combine(window.valid_from or date.min, time(), UTC)
        assert start <= window.moment
        assert window.valid_to is None or window.moment.date() < window.valid_to


def test_a_variant_makes_an_offer_of_its_own_from_the_day_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = variant(1, StartDateConstraint(MAY), processing="batch")
    standard, batched = offers(monkeypatch, model(at(3), at(2, StartDateConstraint(JUNE)), variants=[batch]))
    assert plain(standard) == [(None, JUNE, 0, 24, 3), (JUNE, None, 0, 24, 2)]
    assert batched.conditions == {("processing", "batch")}
    assert plain(batched) == [(MAY, None, 0, 24, 1)]


def test_a_variant_that_is_named_by_night_only_has_a_gap_by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    _, nightly = offers(monkeypatch, model(at(3), variants=[variant(1, NIGHT, speed="fast")]))
    assert plain(nightly) == [(None, None, 0, 6, 1), (None, None, 22, 24, 1)]


def test_the_first_variant_that_holds_wins_and_a_wider_one_fills_in(monkeypatch: pytest.MonkeyPatch) -> None:
    both = variant(1, None, processing="batch", speed="fast")
    _, fast, together = offers(monkeypatch, model(at(9), variants=[variant(5, None, speed="fast"), both]))
    assert (plain(fast), plain(together)) == ([(None, None, 0, 24, 5)], [(None, None, 0, 24, 5)])


def test_a_standard_name_that_changes_nothing_makes_no_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    same = [PriceVariant(when={"service_tier": "default"}, prices=ModelPrice())]
    assert [offer.conditions for offer in offers(monkeypatch, model(at(3), variants=same))] == [frozenset()]
    other = [variant(2, None, service_tier="default")]
    assert len(offers(monkeypatch, model(at(3), variants=other))) == 2


def test_an_empty_list_of_prices_is_free_while_the_model_is_sold(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ModelInfo(id="gone", match=ClauseEquals("gone"), prices=ModelPrice(), deprecated=True)
    sold = ModelInfo(id="sold", match=ClauseEquals("sold"), prices=ModelPrice())
    free, unknown = offers(monkeypatch, sold, gone)
    assert {rate.unit_price for rate in free.cards[0].rates} == {Decimal(0)}
    assert unknown.cards[0].rates == ()
