"""Each .sql file keeps the rules of the house: one statement, its parameters declared, money never a double."""

from __future__ import annotations

import pytest

from meter.queries import FOLDERS, Query, load
from meter.queries.loader import words
from tests.queries.statements import parameters, rounded_money, tables

ALL = [query for kind in FOLDERS for query in load(kind)]


def each(*kinds: str) -> pytest.MarkDecorator:
    chosen = [query for query in ALL if query.kind in (kinds or tuple(FOLDERS))]
    return pytest.mark.parametrize("query", chosen, ids=[f"{query.kind}/{query.name}" for query in chosen])


@each()
def test_a_file_is_one_statement_whose_parameters_its_header_declares(query: Query) -> None:
    assert parameters(query.sql) == [{param.name for param in query.params}]


@each()
def test_money_is_never_divided_or_averaged(query: Query) -> None:
    assert rounded_money(query.sql) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sum(effective_cost) / 2 FROM calls",
        "SELECT avg(c.list_cost) FROM calls AS c",
        "WITH a AS (SELECT median(unit_price) AS m FROM charges) SELECT m FROM a",
        "SELECT list_transform([1], lambda x: x / effective_cost) FROM calls",
    ],
)
def test_the_rule_about_money_sees_through_nesting(sql: str) -> None:
    assert rounded_money(sql)


def test_a_share_of_calls_may_be_divided() -> None:
    assert rounded_money("SELECT count(*) FILTER (price_status = 'unpriced') / count(*) FROM calls") == []


@each("reports", "metrics")
def test_the_header_names_what_the_statement_reads(query: Query) -> None:
    assert tables(query.sql) == set(query.needs)


@each("reports")
def test_a_report_takes_the_two_bounds_of_its_period(query: Query) -> None:
    assert {param.name: param.type for param in query.params}.items() >= {
        "from": "timestamptz",
        "to": "timestamptz",
    }.items()


@each("reports", "views")
def test_a_title_is_short_and_what_it_is_about_is_a_sentence(query: Query) -> None:
    assert len(query.title) <= 40
    assert query.about.endswith(".")


@each("metrics")
def test_a_metric_says_what_opentelemetry_needs(query: Query) -> None:
    assert query.headers["kind"] in {"sum", "updown", "gauge"}
    assert query.headers["name"].startswith(("meter.", "gen_ai."))
    assert query.headers["help"].endswith(".")


@each("metrics")
def test_money_never_leaves_without_its_currency(query: Query) -> None:
    is_money = query.headers["unit"] == "{currency}"
    assert is_money == ("currency" in words(query.headers["attributes"]))


@each("metrics")
def test_an_amount_that_can_fall_is_a_gauge(query: Query) -> None:
    """What is taken of a period, or depends on today's prices and claims, starts anew or is corrected: no counter."""
    can_fall = bool({param.name for param in query.params} & {"now", "multipliers"})
    assert (query.headers["kind"] == "gauge") == can_fall


def test_no_two_metrics_have_one_name() -> None:
    names = [query.headers["name"] for query in ALL if query.kind == "metrics"]
    assert len(set(names)) == len(names)
