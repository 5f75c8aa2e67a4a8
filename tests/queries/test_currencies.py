"""Reports in one currency: each call at the rate of its day, exact, and loud where there is no rate."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from typing import Any

import pytest

from meter.home import Home
from meter.ledger import Ledger, ingest
from meter.queries import get
from tests.queries.sample import (
    CALLS,
    IN_EUROS,
    LAST_MONTH,
    MINI,
    ROUTED,
    THIS_MONTH,
    Recorded,
    made,
    record,
    sample_ledger,
)
from tests.queries.test_reports import run

RATES = """[currencies]
file = "rates.csv"
[[currencies.rates]]
from = "USD"
to = "EUR"
on = 2026-09-30
rate = "0.920000000001"
source = "ECB"
"""
ROWS = """from,to,on,rate,source
USD,EUR,2026-10-06,0.9133,ECB
EUR,USD,2026-09-01,1.0870,ECB
IDR,USD,2026-09-01,0.000060606061,BI
USD,IDR,2026-09-01,16500,BI
EUR,IDR,2026-09-01,17935.5,BI
"""
BOTH = {"from": LAST_MONTH["from"], "to": THIS_MONTH["to"]}


def rupiah(day: str, cost: str, **fields: Any) -> Recorded:
    return day, {**ROUTED, "usage": {"input": 1}, "reported_cost": cost, "reported_currency": "IDR", **fields}


IN_RUPIAH = [
    rupiah(f"2026-10-{day:02}T12:00", cost) for day in range(1, 29) for cost in ("250000", "668", "0.000000000001")
]


@pytest.fixture(scope="session")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The sample's ledger, with calls in euros and in rupiah, and rates between them."""
    folder = tmp_path_factory.mktemp("rated")
    (folder / "home").mkdir()
    (folder / "home" / "meter.toml").write_text(RATES, "utf-8")
    (folder / "home" / "rates.csv").write_text(ROWS, "utf-8")
    return made(folder, [*CALLS, IN_EUROS, *IN_RUPIAH])


def sums(ledger: Ledger, name: str, column: str = "effective_cost", **values: Any) -> Decimal:
    with localcontext() as wide:
        wide.prec = 60
        return sum((Decimal(row[column] or 0) for row in run(ledger, get("reports", name), **values)), Decimal(0))


def by_hand(ledger: Ledger, rate_of: Any, period: dict[str, str] = THIS_MONTH) -> Decimal:
    """Convert each call in Python, from the facts and a rate by day."""
    sql = """SELECT strftime(started_at AT TIME ZONE 'UTC', '%Y-%m-%d'), currency, effective_cost FROM calls
        WHERE started_at >= $from::TIMESTAMPTZ AND started_at < $to::TIMESTAMPTZ AND effective_cost IS NOT NULL"""
    with ledger.reading() as connection, localcontext() as wide:
        wide.prec = 60
        rows = connection.execute(sql, period).fetchall()
        return sum((cost * rate_of(currency, day) for day, currency, cost in rows), Decimal(0))


def dollars_in_euros(day: str) -> Decimal:
    return Decimal("0.9133") if day >= "2026-10-06" else Decimal("0.920000000001")


def to_dollars(currency: str, _day: str) -> Decimal:
    return {"USD": Decimal(1), "EUR": Decimal("1.0870"), "IDR": Decimal("0.000060606061")}[currency]


def to_rupiah(currency: str, _day: str) -> Decimal:
    return {"USD": Decimal(16500), "EUR": Decimal("17935.5"), "IDR": Decimal(1)}[currency]


@pytest.mark.parametrize(("currency", "rate_of"), [("USD", to_dollars), ("IDR", to_rupiah)])
@pytest.mark.parametrize("name", ["totals", "teams", "models", "spend", "chargeback"])
def test_every_report_in_one_currency_is_the_sum_of_its_calls_to_the_last_digit(
    rated: Ledger, name: str, currency: str, rate_of: Any
) -> None:
    column = "total" if name == "chargeback" else "effective_cost"
    assert sums(rated, name, column, report_currency=currency) == by_hand(rated, rate_of) > 0


@pytest.mark.parametrize("by", ["day", "hour", "team,model", "provider", "service", "price_status", "feature"])
def test_any_grouping_has_the_same_total(rated: Ledger, by: str) -> None:
    assert sums(rated, "spend", by=by, report_currency="USD") == sums(rated, "totals", report_currency="USD")


def test_each_call_is_converted_at_the_rate_of_its_day(euro_rates: Ledger) -> None:
    found = by_hand(euro_rates, lambda currency, day: Decimal(1) if currency == "EUR" else dollars_in_euros(day))
    assert sums(euro_rates, "totals", report_currency="EUR") == found
    rates = run(euro_rates, get("reports", "rates"), report_currency="EUR")
    assert [(row["rate"], row["valid_from"], row["source"], row["first_day"], row["last_day"]) for row in rates] == [
        ("0.920000000001", "2026-09-30", "ECB", "2026-10-01", "2026-10-05"),
        ("0.9133", "2026-10-06", "ECB", "2026-10-08", "2026-10-20"),
    ]


@pytest.fixture(scope="session")
def euro_rates(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The sample's ledger with one call in euros, and rates from the day on that September's last call was made."""
    folder = tmp_path_factory.mktemp("euro-rates")
    (folder / "home").mkdir()
    (folder / "home" / "meter.toml").write_text(RATES, "utf-8")
    (folder / "home" / "rates.csv").write_text(ROWS, "utf-8")
    return made(folder, [*CALLS, IN_EUROS])


def test_without_a_rate_an_amount_is_unknown_and_counted(euro_rates: Ledger) -> None:
    (row,) = run(euro_rates, get("reports", "totals"), report_currency="EUR", **LAST_MONTH)
    assert (row["currency"], row["calls"], row["unpriced_calls"]) == ("EUR", 2, 1)
    missing, used = run(euro_rates, get("reports", "rates"), report_currency="EUR", **LAST_MONTH)
    assert (missing["rate"], missing["effective_cost"], missing["first_day"], missing["calls"]) == (
        None,
        None,
        "2026-09-10",
        1,
    )
    assert Decimal(missing["own_cost"]) == Decimal("0.00024")
    assert used["rate"] == "0.920000000001"
    spend = run(euro_rates, get("reports", "spend"), by="price_status", report_currency="EUR", **LAST_MONTH)
    assert {row["keys"][0]: row["effective_cost"] is None for row in spend} == {"priced": False, "unconverted": True}


def test_neither_inverse_nor_cross_rates_are_made_up(euro_rates: Ledger) -> None:
    rows = run(euro_rates, get("reports", "totals"), report_currency="CHF")
    assert [(row["currency"], row["effective_cost"]) for row in rows] == [("CHF", None)]
    assert rows[0]["unpriced_calls"] == 12 - 1  # all but the call that failed, which costs nothing


def test_a_chargeback_without_rates_keeps_its_lines_with_unknown_totals(euro_rates: Ledger) -> None:
    rows = run(euro_rates, get("reports", "chargeback"), report_currency="CHF")
    plain = run(euro_rates, get("reports", "chargeback"), currency="USD")
    assert {row["total"] for row in rows} == {None}
    assert len(rows) >= len(plain)


def test_without_a_currency_amounts_stay_in_their_own(rated: Ledger) -> None:
    rows = run(rated, get("reports", "totals"))
    assert {row["currency"]: row["calls"] for row in rows} == {"IDR": 84, "EUR": 1, "USD": 11}
    assert Decimal(rows[0]["effective_cost"]) == 28 * (Decimal(250_668) + Decimal("0.000000000001"))


def test_a_call_of_a_day_is_that_of_the_ledgers_time_zone(home: Home) -> None:
    home.path.mkdir(parents=True)
    turn = RATES.replace("2026-09-30", "2026-10-01").replace('file = "rates.csv"', "")
    home.config.write_text(f'[period]\ntimezone = "Asia/Tokyo"\n{turn}', "utf-8")
    usage = {"usage": {"input": 1000}}
    record([("2026-09-30T14:59", {**MINI, **usage}), ("2026-09-30T15:00", {**MINI, **usage})])
    ledger = Ledger(home)
    ingest(ledger)
    with ledger.reading() as connection:
        found = connection.execute("SELECT price_status FROM calls_in('eur') ORDER BY started_at").fetchall()
    assert found == [("unconverted",), ("priced",)]


def test_years_of_rupiah_fit_exactly(home: Home) -> None:
    home.path.mkdir(parents=True)
    home.config.write_text(RATES, "utf-8")
    (home.path / "rates.csv").write_text(ROWS, "utf-8")
    ledger = sample_ledger(
        home, *(rupiah("2026-10-02T00:00", cost) for cost in ("16500000", "9999999999999.999999999999") * 4)
    )
    with ledger.reading() as connection:
        ((total, own),) = connection.execute(
            "SELECT sum(effective_cost), sum(own_cost) FROM calls_in('USD') WHERE own_currency = 'IDR'"
        ).fetchall()
    with localcontext() as wide:
        wide.prec = 60
        assert own == 4 * (Decimal(16_500_000) + Decimal("9999999999999.999999999999"))
        assert total == own * Decimal("0.000060606061")


def test_an_amount_that_does_not_fit_is_unknown_and_fails_no_report(home: Home) -> None:
    home.path.mkdir(parents=True)
    home.config.write_text(RATES, "utf-8")
    (home.path / "rates.csv").write_text(ROWS, "utf-8")
    huge = ("2026-10-02T00:00", {**ROUTED, "usage": {"input": 1}, "reported_cost": "9999999999999"})
    (row,) = run(sample_ledger(home, huge), get("reports", "totals"), report_currency="IDR")
    assert (row["unpriced_calls"], row["effective_cost"] is None) == (3, False)


@pytest.mark.parametrize("name", ["calls_in", "charges_in"])
def test_no_column_of_money_is_a_float_on_the_way(rated: Ledger, name: str) -> None:
    with rated.reading() as connection:
        types = dict(
            connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM {name}('EUR'))").fetchall()
        )
        plain = dict(connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {name[:-3]})").fetchall())
    assert set(plain) <= set(types)
    for column in ("list_cost", "contracted_cost", "effective_cost"):
        assert types[column] == "DECIMAL(38,24)"
    floats = {column for column, kind in types.items() if re.search("DOUBLE|FLOAT|REAL", kind)}
    assert floats <= {"duration_s", "time_to_first_token_s"}


def test_a_calls_cost_is_the_sum_of_its_charges_in_any_currency(rated: Ledger) -> None:
    sql = """SELECT count(*), count(*) FILTER (calls.effective_cost IS DISTINCT FROM charged.cost) FROM calls_in('IDR') AS calls
        JOIN (SELECT call_id, sum(effective_cost) AS cost FROM charges_in('IDR') GROUP BY call_id) AS charged USING (call_id)
        WHERE price_status IN ('priced', 'reported')"""
    with rated.reading() as connection:
        ((calls, other),) = connection.execute(sql).fetchall()
    assert calls > 90
    assert other == 0


def test_a_code_that_is_none_is_refused_with_the_nearest(rated: Ledger) -> None:
    from meter.errors import QueryInvalid

    with pytest.raises(QueryInvalid, match="did you mean EUR"):
        run(rated, get("reports", "totals"), report_currency="EURO")


def test_list_prices_are_converted_from_their_own_currency(rated: Ledger) -> None:
    with rated.reading() as connection:
        found = connection.execute(
            "SELECT DISTINCT list_currency, currency FROM calls_in('USD') WHERE list_cost IS NOT NULL"
        ).fetchall()
    assert found == [("USD", "USD")]
