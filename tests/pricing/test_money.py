"""Money is decimal from the catalogue to the sum: exact, rounded once, and wide enough."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import meter.pricing
from meter.event import MAX_COUNT
from meter.names import CLASSES
from meter.pricing.units import LARGEST_UNIT_PRICE, Rate, is_storable, rates, unit_price
from tests.pricing.batches import call, charges, dicts, price_calls, price_one

Book = duckdb.DuckDBPyConnection
PLACES = Decimal("1e-12")
EVERYTHING = {usage_class.name: MAX_COUNT for usage_class in CLASSES}


def in_sql(book: Book, quantity: Decimal, price: Decimal, fine: Decimal | None) -> Decimal:
    query = "SELECT ledger.charge(?::DECIMAL(24, 6), ?::DECIMAL(18, 12), ?::DECIMAL(27, 24))"
    ((charge,),) = book.execute(query, [str(quantity), str(price), None if fine is None else str(fine)]).fetchall()
    assert isinstance(charge, Decimal)
    return charge


def by_hand(quantity: Decimal, price: Decimal, per: int) -> Decimal:
    with localcontext(Context(prec=80)):
        return (quantity * price / per).quantize(PLACES, rounding=ROUND_HALF_UP)


@given(
    quantity=st.decimals(0, MAX_COUNT, places=6) | st.integers(0, MAX_COUNT).map(Decimal),
    price=st.decimals(0, 9_999, places=4),
    per=st.sampled_from((1_000, 3_600, 1_000_000, 1_000_000_000)),
)
@settings(max_examples=400, deadline=None)
def test_a_charge_is_rounded_once_and_half_up(book: Book, quantity: Decimal, price: Decimal, per: int) -> None:
    short, fine = unit_price(price, per)
    assert in_sql(book, quantity, short, fine) == by_hand(quantity, price, per)


@pytest.mark.parametrize("quantity", [Decimal("0.000009"), Decimal("0.000027"), Decimal("0.000045")])
def test_the_exact_middle_rounds_up_also_for_a_price_without_end(book: Book, quantity: Decimal) -> None:
    short, fine = unit_price(Decimal("0.111"), 3600)
    assert in_sql(book, quantity, short, fine) == by_hand(quantity, Decimal("0.111"), 3600)


def test_prices_that_fit_twelve_decimals_carry_no_others() -> None:
    assert unit_price(Decimal("0.15"), 1_000_000) == (Decimal("0.00000015"), None)
    assert unit_price(Decimal("0.36"), 3600) == (Decimal("0.0001"), None)
    short, fine = unit_price(Decimal("0.18000000000000002"), 1_000_000)
    assert (short, fine) == (Decimal("0.00000018"), Decimal("0.00000018000000000000002"))


def test_the_largest_usage_of_the_dearest_models_does_not_overflow(book: Book) -> None:
    dearest = "SELECT provider, model FROM ledger.rates GROUP BY ALL ORDER BY max(unit_price) DESC LIMIT 40"
    models = book.execute(dearest).fetchall()
    rows = price_calls(book, [call(model, provider, usage=EVERYTHING) for provider, model in models])
    assert {row["price_status"] for row in rows} <= {"priced", "partial", "unpriced"}
    assert max(row["list_cost"] or 0 for row in rows) > 100_000_000
    assert len(charges(book)) >= len(rows) * len(CLASSES)


def test_a_charge_that_does_not_fit_is_unknown_and_never_fails_a_batch(book: Book) -> None:
    most = Decimal(MAX_COUNT)
    assert in_sql(book, most, Decimal(9_999), None) == 9_999 * most
    assert in_sql(book, most, Decimal(999), Decimal("999.000000000000000000000001")) == 999 * most + Decimal(
        "1e-14"
    ).quantize(PLACES)
    query = "SELECT ledger.charge(10000000000, 999999.999999999999, NULL::DECIMAL(27, 24))"
    assert book.execute(query).fetchall() == [(None,)]


def test_a_price_that_would_not_fit_is_left_out_not_cut_short() -> None:
    assert is_storable(Rate("input", LARGEST_UNIT_PRICE))
    assert not is_storable(Rate("input", LARGEST_UNIT_PRICE + 1))
    assert is_storable(Rate("input", Decimal("668.1"), Decimal("668.100000000000000000000001")))
    assert not is_storable(Rate("input", Decimal("1000"), Decimal("1000.000000000000000000000001")))


def test_no_column_and_no_cost_is_ever_a_float(book: Book) -> None:
    price_one(book, usage={"input": 1, "audio_seconds": "1.5"})
    tables = ("priced", "ledger.rate_cards", "ledger.rates", "ledger.usage_lines('price_batch_lines')")
    book.execute(
        "CREATE OR REPLACE TEMP VIEW price_batch_lines AS SELECT *, 1 AS rate_card_id, 1 AS contract_card_id FROM fresh"
    )
    types = {
        table: dict(book.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM {table})").fetchall())
        for table in tables
    }
    assert not [kind for columns in types.values() for kind in columns.values() if re.search("DOUBLE|FLOAT|REAL", kind)]
    for table in (tables[0], tables[3]):
        for column in ("list_cost", "contracted_cost", "effective_cost"):
            assert types[table][column] == "DECIMAL(26,12)"
    assert types["priced"] | {"id": "UUID", "rate_card_id": "INTEGER", "contract_rule_id": "INTEGER"} == types["priced"]
    assert types["ledger.rates"]["unit_price"] == "DECIMAL(18,12)"
    assert types["ledger.rates"]["fine_price"] == "DECIMAL(27,24)"


def test_no_statement_divides_money_or_averages_it() -> None:
    folder = Path(meter.pricing.__file__).parent
    migrations = (folder.parent / "ledger" / "migrations").glob("*.sql")
    for path in (*folder.glob("*.sql"), *migrations):
        code = re.sub(r"--.*|'[^']*'", "", path.read_text("utf-8"))
        assert not re.search(r"(?<!/)/(?!/)|\bavg\s*\(|\bDOUBLE\b|\bFLOAT\b|\bREAL\b", code, re.IGNORECASE), path


def test_a_calls_cost_is_the_sum_of_its_charges(book: Book) -> None:
    calls = [
        call(model, provider, usage=usage, tier=tier)
        for provider, model in (("openai", "gpt-5"), ("groq", "whisper-large-v3"), ("perplexity", "sonar-pro"))
        for tier in (None, "flex")
        for usage in ({"input": 7, "output": 3}, {"audio_seconds": "3.25"}, EVERYTHING)
    ]
    rows = price_calls(book, calls)
    charges(book)
    sums = "SELECT call_id, sum(list_cost) AS total FROM ledger.usage_lines('stored') GROUP BY call_id"
    totals = {row["call_id"]: row["total"] for row in dicts(book, sums)}
    assert [totals[row["id"]] for row in rows] == [row["list_cost"] for row in rows]


def test_classes_take_the_nearest_price_there_is() -> None:
    prices = {"input_tokens": Decimal(4), "cache_read_tokens": Decimal(1), "input_audio_tokens": Decimal(2)}
    found = {rate.usage_class: rate for rate in rates(prices | {"cache_audio_read_tokens": Decimal(3)}, {})}
    assert found["cache_read_audio"].priced_as is None
    assert (found["cache_read_image"].priced_as, found["cache_write_audio"].priced_as) == ("cache_read", "input_audio")
    assert (found["cache_write_5m"].priced_as, found["input_document"].priced_as) == ("input", "input")
    assert "output" not in found
    assert [rate.usage_class for rate in rates(prices, {})][:2] == ["input", "cache_read"]  # the usual ones first
