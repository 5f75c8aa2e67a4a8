"""Metric queries become samples: unknown values give none, unknown attributes are left out, faults name the file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal

import duckdb
import pytest

from meter import queries
from meter.errors import QueryInvalid
from meter.exporters.samples import Metric, Sample, read

HEADER = "-- name: meter.m\n-- unit: {kind}\n-- help: Helps.\n-- value: value\n"
BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as found:
        yield found


def metric(sql: str, *, kind: str = "gauge", attributes: str = "a, b") -> queries.Query:
    declared = f"-- attributes: {attributes}\n" if attributes else ""
    return queries.parse("metrics", "m", f"{HEADER}-- kind: {kind}\n{declared}{sql}")


def test_a_row_is_a_sample_and_what_is_unknown_is_left_out(connection: duckdb.DuckDBPyConnection) -> None:
    query = metric("SELECT * FROM (VALUES ('x', NULL, 1.50), ('y', 'z', NULL), ('y', 'z', 0)) AS t (a, b, value)")
    gauge = Metric("meter.m", "{kind}", "gauge", "Helps.")
    assert read(connection, [query], {}, BEGAN) == [
        Sample(gauge, {"a": "x"}, Decimal("1.50")),
        Sample(gauge, {"a": "y", "b": "z"}, Decimal(0)),
    ]


@pytest.mark.parametrize(("kind", "since"), [("sum", BEGAN), ("updown", BEGAN), ("gauge", None)])
def test_only_a_sum_has_a_start(connection: duckdb.DuckDBPyConnection, kind: str, since: datetime | None) -> None:
    (sample,) = read(connection, [metric("SELECT 1 AS value", kind=kind, attributes="")], {}, BEGAN)
    assert (sample.value, sample.since) == (1, since)


def test_the_keys_of_the_tags_become_attributes(connection: duckdb.DuckDBPyConnection) -> None:
    query = metric("SELECT 'x' AS a, MAP {'team': 'search'} AS tags, 1 AS value", attributes="a, tags")
    (sample,) = read(connection, [query], {})
    assert sample.attributes == {"a": "x", "team": "search"}


def test_a_query_takes_only_the_parameters_it_declares(connection: duckdb.DuckDBPyConnection) -> None:
    query = metric("-- param: n integer = a number\nSELECT $n AS value", attributes="")
    (sample,) = read(connection, [query], {"n": 3, "now": "unused"})
    assert sample.value == 3


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        (metric("SELECT 1 AS a, 2 AS value"), "its header and its columns differ in b"),
        (metric("SELECT 1 AS a, 2 AS b, 3 AS c, 4 AS value"), "differ in c"),
        (metric("SELECT 1 AS value", kind="histogram", attributes=""), "kind 'histogram'"),
        (metric("SELECT 1.5::DOUBLE AS value", attributes=""), "its value 1.5 is a float"),
        (
            metric("SELECT 1 AS a, MAP {'a': 'x'} AS tags, 1 AS value", attributes="a, tags"),
            "the tag 'a' has the name of",
        ),
    ],
)
def test_a_metric_that_is_wrong_is_an_error_that_names_it(
    connection: duckdb.DuckDBPyConnection, query: queries.Query, fault: str
) -> None:
    with pytest.raises(QueryInvalid, match=fault) as caught:
        read(connection, [query], {})
    assert caught.value.hint
