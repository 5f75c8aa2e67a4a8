"""--currency: amounts in one currency, with every rate stated beside the answer."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest

from meter.home import Home
from meter.ledger import Ledger
from tests.cli.running import bare, run, run_terminal

MARCH = ["--month", "2026-03"]
RATES = """[[currencies.rates]]
from = "USD"
to = "EUR"
on = 2026-03-01
rate = "0.92"
source = "ECB"
[[currencies.rates]]
from = "EUR"
to = "CHF"
on = 2026-03-01
rate = "0.95"
source = "SNB"
[[currencies.rates]]
from = "CHF"
to = "USD"
on = 2026-03-01
rate = "1.14"
source = "SNB"
"""


def configured(home: Home, text: str = RATES) -> Home:
    home.config.write_text(text, "utf-8")
    with Ledger(home).writing():
        return home


def test_spend_is_converted_and_says_at_which_rate(sample: Home) -> None:
    configured(sample)
    shown = run("spend", *MARCH, "--currency", "eur", "--format", "json")
    rows = json.loads(shown.out)
    assert {row["currency"] for row in rows} == {"EUR"}
    assert sum(Decimal(row["effective_cost"] or 0) for row in rows) == Decimal("0.00102") * Decimal("0.92")
    assert "2026-03: 0.0009384 EUR, 6 calls; unpriced" in shown.err
    assert "converted at 1 USD = 0.92 EUR (of 2026-03-01, ECB)" in shown.err


@pytest.mark.parametrize("words", [["report", "teams"], ["report", "models"], ["report", "totals"], ["spend"]])
def test_the_currency_of_reports_is_what_meter_toml_says(sample: Home, words: list[str]) -> None:
    configured(sample, '[currencies]\nreport = "EUR"\n' + RATES)
    rows = list(csv.DictReader(io.StringIO(run(*words, *MARCH, "--format", "csv").out)))
    assert {row["currency"] for row in rows} == {"EUR"}
    own = list(csv.DictReader(io.StringIO(run(*words, *MARCH, "--format", "csv", "--currency", "own").out)))
    assert {row["currency"] for row in own} == {"USD"}


def test_a_chargeback_keeps_its_ten_columns_and_says_the_rate_beside_it(sample: Home) -> None:
    configured(sample)
    shown = run("report", "chargeback", *MARCH, "--currency", "EUR", "--format", "json")
    rows = json.loads(shown.out)
    assert len(rows[0]) == 10
    assert sum(Decimal(row["total"] or 0) for row in rows) == Decimal("0.00102") * Decimal("0.92")
    assert "EUR, 6 calls" in shown.err
    assert "1 USD = 0.92 EUR (of 2026-03-01, ECB)" in shown.err


def test_a_missing_rate_is_loud_and_not_turned_round(sample: Home) -> None:
    configured(sample)
    shown = run("spend", *MARCH, "--currency", "CHF", "--strict")
    assert shown.code == 3
    assert "no cost known, 6 calls; unpriced: 83.3 % of the calls" in shown.err
    assert (
        "not converted: 5 calls, 0.00102 USD: no rate USD to CHF from 2026-03-10 to 2026-03-11"
        " (a rate CHF to USD is not turned round), so unknown in CHF" in shown.err
    ) or "not converted: 4 calls" in shown.err
    assert "[[currencies.rates]] in meter.toml" in shown.err


def test_many_rates_are_a_range(sample: Home) -> None:
    days = "".join(
        RATES.split("[[currencies.rates]]")[1]
        .join(["[[currencies.rates]]", ""])
        .replace("03-01", f"{day}")
        .replace("0.92", rate)
        for day, rate in (("03-10", "0.91"), ("03-11", "0.94"))
    )
    configured(sample, RATES.replace("0.92", "0.9") + days)
    shown = run("spend", "--since", "2026-01-01", "--currency", "EUR")
    assert "converted at 1 USD = 0.91 EUR (of 2026-03-10, ECB), then 0.94 EUR (of 2026-03-11, ECB)" in shown.err


def test_the_screen_is_in_the_currency_of_reports(sample: Home) -> None:
    configured(sample, '[currencies]\nreport = "EUR"\n' + RATES)
    shown = bare(run_terminal(columns=120).out)
    assert "0.0004416 EUR" in shown
    assert "USD" not in shown.replace("1 USD = 0.92 EUR", "")
    assert "converted at 1 USD = 0.92 EUR (of 2026-03-01, ECB)" in shown


@pytest.mark.parametrize("words", [["spend"], ["report", "totals"]])
def test_a_currency_that_does_not_exist_is_refused(sample: Home, words: list[str]) -> None:
    shown = run(*words, "--currency", "EURO")
    assert (shown.code, shown.out) == (1, "")
    assert "did you mean EUR?" in shown.err


def test_a_report_without_amounts_takes_no_currency(sample: Home) -> None:
    assert "is not converted" in run("report", "coverage", *MARCH, "--currency", "EUR").err
    configured(sample, '[currencies]\nreport = "EUR"\n' + RATES)
    assert run("report", "coverage", *MARCH).code == 0


def test_a_statement_in_one_of_two_currencies_needs_no_rates(sample: Home) -> None:
    configured(sample, '[currencies]\nreport = "CHF"\n')
    shown = run("report", "chargeback", *MARCH, "--param", "currency=USD", "--format", "json")
    assert sum(Decimal(row["total"] or 0) for row in json.loads(shown.out)) == Decimal("0.00102")


def test_sql_converts_without_a_warning_of_mixture_and_warns_of_missing_rates(sample: Home) -> None:
    configured(sample)
    shown = run(
        "sql",
        "SELECT sum(effective_cost) AS s FROM calls_in('EUR') WHERE started_at < '2026-04-01'",
        "--format",
        "json",
    )
    assert json.loads(shown.out) == [{"s": "0.0009384"}]
    assert "warning" not in shown.err
    assert "unpriced" in shown.err
    missing = run("sql", "SELECT sum(effective_cost) FROM charges_in('CHF')").err
    assert "calls in USD have no rate to CHF on their day" in missing


def test_a_rate_that_cannot_be_read_stops_reports_in_a_currency_but_no_ingest(sample: Home) -> None:
    configured(sample)
    configured(sample, RATES.replace('"0.92"', '"much"'))
    fault = "meter.toml:1: [currencies] rate = 'much' is no number"
    shown = run("spend", *MARCH)
    assert shown.code == 1
    assert fault in shown.err
    asked = run("spend", *MARCH, "--currency", "EUR")
    assert "converted at 1 USD = 0.92 EUR" in asked.err  # as the last sound file said


def test_a_rate_holds_as_soon_as_it_is_stated(sample: Home) -> None:
    for rate in ("0.92", "0.94"):
        sample.config.write_text(RATES.replace("0.92", rate), "utf-8")
        assert f"1 USD = {rate} EUR" in run("spend", *MARCH, "--currency", "EUR").err


def test_the_check_names_file_and_line_in_both_files(sample: Home) -> None:
    sample.config.write_text(
        '[currencies]\nreport = "EURO"\nfile = "rates.csv"\n' + RATES.replace("1.14", "0"), "utf-8"
    )
    (sample.path / "rates.csv").write_text("from,to,on,rate,source\nUSD,EUR,2026-03-01,0.93,bank\n", "utf-8")
    shown = run("config", "check")
    assert shown.code == 1
    assert f"{sample.config}:2: [currencies] report: 'EURO' is no currency" in shown.out
    assert f"{sample.config}:16: [currencies] rate = 0 is not above 0" in shown.out
    assert (
        f"{sample.path / 'rates.csv'}:2: USD to EUR on 2026-03-01 is 0.93 here and 0.92 at {sample.config}:4"
        in shown.out
    )
