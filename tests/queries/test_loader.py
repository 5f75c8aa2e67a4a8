"""Headers are read strictly: an error names the file and the line."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meter.errors import QueryInvalid
from meter.queries import get, load, parse

HEADER = "-- title: A title\n-- about: What it says.\n"
REPORT = (
    HEADER
    + "-- param: from = start\n-- param: by text[] = keys\n-- needs: calls, charges\n-- A reason: not a key.\nSELECT 1\n"
)


def test_a_header_is_read_up_to_the_first_line_that_is_none() -> None:
    query = parse("reports", "a", REPORT)
    assert (query.title, query.about, query.needs) == ("A title", "What it says.", ("calls", "charges"))
    assert [(param.name, param.type, param.help) for param in query.params] == [
        ("from", "timestamptz", "start"),
        ("by", "text[]", "keys"),
    ]
    assert query.sql == REPORT


def test_the_name_and_help_of_a_metric_are_its_title_and_about() -> None:
    query = parse(
        "metrics",
        "m",
        "-- name: meter.m\n-- unit: 1\n-- kind: sum\n-- help: Helps.\n-- value: value\nSELECT 1 AS value",
    )
    assert (query.name, query.title, query.about) == ("m", "meter.m", "Helps.")


@pytest.mark.parametrize(
    ("text", "place", "fault"),
    [
        ("-- title: A\nSELECT 1", "a.sql:1", "the header has no 'about'"),
        ("SELECT 1", "a.sql:1", "the header has no"),
        (HEADER + "-- titel: B\nSELECT 1", "a.sql:3", "unknown key 'titel'"),
        (HEADER + "-- needs:\nSELECT 1", "a.sql:3", "'needs' says nothing"),
        (HEADER + "-- title: B\nSELECT 1", "a.sql:3", "stands there twice"),
        (HEADER + "-- param: from\nSELECT 1", "a.sql:3", "cannot read the parameter 'from'"),
        (HEADER + "-- param: from money = x\nSELECT 1", "a.sql:3", "unknown type 'money'"),
        (HEADER + "-- param: a = x\n-- param: a = y\nSELECT 1", "a.sql:4", "a stands there twice"),
    ],
)
def test_a_wrong_header_is_an_error_with_file_and_line(text: str, place: str, fault: str) -> None:
    with pytest.raises(QueryInvalid, match=fault) as caught:
        parse("reports", "a", text)
    assert f"queries/reports/{place}: " in caught.value.message


TYPES = {
    "at": "timestamptz",
    "day": "date",
    "n": "integer",
    "m": "decimal",
    "t": "text",
    "ts": "text[]",
    "j": "json",
    "o": "text?",
}
TYPED = HEADER + "".join(f"-- param: {name} {kind} = a {kind}\n" for name, kind in TYPES.items())
GOOD: dict[str, Any] = {
    "at": "2026-10-01T00:00:00Z",
    "day": "2026-10-01",
    "n": "3",
    "m": 0.1,
    "t": 7,
    "ts": "a,b",
    "j": [{"a": 1}],
}


def test_parameters_get_their_declared_types() -> None:
    assert parse("reports", "a", TYPED + "SELECT 1").bind(GOOD) == {
        "at": datetime(2026, 10, 1, tzinfo=timezone.utc),
        "day": date(2026, 10, 1),
        "n": 3,
        "m": Decimal("0.1"),
        "t": "7",
        "ts": ["a", "b"],
        "j": '[{"a": 1}]',
        "o": None,
    }


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("at", "2026-10-01T00:00:00", "expected a time with its time zone"),
        ("at", datetime(2026, 10, 1), "expected a time with its time zone"),  # noqa: DTZ001
        ("at", "yesterday", "at = 'yesterday' is no timestamptz"),
        ("day", "2026-13-01", "day = '2026-13-01' is no date"),
        ("n", "three", "n = 'three' is no integer"),
        ("m", "much", "m = 'much' is no decimal"),
        ("ts", 3, "ts = 3 is no text"),
        ("j", {1, 2}, "is no json"),
        ("t", None, "needs the parameter 't'"),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error_that_says_which(name: str, value: object, fault: str) -> None:
    with pytest.raises(QueryInvalid, match=fault) as caught:
        parse("reports", "a", TYPED + "SELECT 1").bind({**GOOD, name: value})
    assert caught.value.hint


def test_a_value_without_a_parameter_is_an_error() -> None:
    with pytest.raises(QueryInvalid, match="reports/a has no parameter 'until'") as caught:
        parse("reports", "a", REPORT).bind({"until": 1})
    assert caught.value.hint == "it takes: from, by"


def test_a_query_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(QueryInvalid, match="there is no 'chargebak' in reports") as caught:
        get("reports", "chargebak")
    assert "chargeback" in (caught.value.hint or "")


def test_a_kind_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(QueryInvalid, match="no kind of query 'graphs'"):
        load("graphs")


def test_a_folder_of_the_users_own_is_read_by_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.sql").write_text(REPORT, "utf-8")
    (tmp_path / "notes.txt").write_text("not a query", "utf-8")
    assert [query.name for query in load("reports", tmp_path)] == ["a", "b"]
