"""report: the list of reports, their periods and parameters, and a chargeback that ties out."""

from __future__ import annotations

from decimal import Decimal

from meter import queries
from meter.home import Home
from tests.cli.conftest import record_in_euros
from tests.cli.running import MARCH, objects, run


def test_a_statement_in_two_currencies_asks_for_one_and_takes_it(sample: Home) -> None:
    record_in_euros()
    shown = run("report", "chargeback", *MARCH)
    assert (shown.code, shown.out) == (1, "")
    assert "EUR and USD" in shown.err
    assert "--param currency=" in shown.err
    rows = objects(run("report", "chargeback", *MARCH, "--param", "currency=EUR", "--format", "json").out)
    assert sum(Decimal(row["total"]) for row in rows if row["total"]) == Decimal("0.25")


def test_reports_are_listed_from_their_files(sample: Home) -> None:
    rows = objects(run("report", "--format", "json").out)
    known = queries.load("reports")
    assert [(row["report"], row["title"], row["about"]) for row in rows] == [
        (query.name, query.title, query.about) for query in known
    ]


def test_a_report_is_of_the_last_complete_month_and_says_which(sample: Home) -> None:
    shown = run("report", "totals")
    assert shown.code == 0
    assert shown.err.startswith("20")
    assert ": no calls" in shown.err or "calls" in shown.err


def test_the_chargeback_ties_out_with_the_ledger(sample: Home) -> None:
    rows = objects(run("report", "chargeback", *MARCH, "--format", "json").out)
    columns = "cost_center provider model usage_class quantity unit direct_cost shared_cost adjustment total"
    assert list(rows[0]) == columns.split()
    assert sum(Decimal(row["total"]) for row in rows if row["total"]) == Decimal("0.00102")
    assert {row["cost_center"] for row in rows} == {"search", "support", "(unallocated)"}


def test_a_parameter_without_a_value_is_wrong_usage(sample: Home) -> None:
    shown = run("report", "spend", "--param", "by")
    assert shown.code == 2
    assert "NAME=VALUE" in shown.err
