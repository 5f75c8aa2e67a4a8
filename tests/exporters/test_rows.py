"""Rows leave as JSON, CSV and Parquet without losing a digit."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter.errors import QueryInvalid
from meter.exporters.rows import distinct, plain, write_rows

EVERY_TYPE = """SELECT
    0.000240000000::DECIMAL(26,12) AS cost, 12345678901234567890123456.123456789012::DECIMAL(38,12) AS wide,
    NULL::DECIMAL(26,12) AS unknown, sum(9223372036854775807) AS tokens, 'a' AS word, 'ü "quoted", and
two lines' AS text, true AS flag, 1.5::DOUBLE AS ratio, 'nan'::DOUBLE AS odd, TIMESTAMPTZ '2026-11-22 10:00:00+01' AS started_at,
    DATE '2026-11-22' AS day, TIME '10:00:01' AS clock, INTERVAL 50 HOUR AS span, MAP {'team': 'search'} AS tags,
    MAP {'input': 1.25::DECIMAL(24,6)} AS usage, [1, 2] AS list, {'x': 1, 'y': 'z'} AS struct,
    '00000000-0000-0000-0000-000000000001'::UUID AS call_id, '\\x00A'::BLOB AS bytes, 2 AS word, 3 AS "Word"
"""


def result(sql: str) -> tuple[list[str], list[str], list[Any]]:
    with duckdb.connect() as connection:
        cursor = connection.execute("SET TimeZone = 'Asia/Kolkata'").execute(sql)
        columns = [column[0] for column in cursor.description or []]
        return columns, [str(column[1]) for column in cursor.description or []], cursor.fetchall()


def written(sql: str, fmt: str) -> str:
    stream = io.StringIO()
    write_rows(*result(sql), fmt, stream)
    return stream.getvalue()


def test_json_is_a_list_of_objects_with_money_as_exact_strings() -> None:
    (row,) = json.loads(written(EVERY_TYPE, "json"))
    assert row["cost"] == "0.00024"
    assert row["wide"] == "12345678901234567890123456.123456789012"
    assert row["unknown"] is None
    assert row["tokens"] == 9223372036854775807
    assert row["tags"] == {"team": "search"}
    assert row["usage"] == {"input": "1.25"}
    assert row["started_at"] == "2026-11-22T14:30:00+05:30"
    assert row["call_id"] == "00000000-0000-0000-0000-000000000001"
    assert (row["word"], row["word_1"], row["Word_2"]) == ("a", 2, 3)


def test_a_whole_quantity_is_a_number_in_json_and_a_part_or_an_amount_is_text() -> None:
    sql = "SELECT 12::DECIMAL(38,6) AS quantity, 1.5::DECIMAL(24,6) AS s, 2::DECIMAL(38,12) AS cost, NULL::DECIMAL(9,6) AS a"
    assert written(sql, "json") == '[\n {"quantity": 12, "s": "1.5", "cost": "2", "a": null}\n]\n'


def test_csv_quotes_what_needs_it_and_leaves_the_unknown_empty() -> None:
    head, row = csv.reader(io.StringIO(written(EVERY_TYPE, "csv"), newline=""))
    found = dict(zip(head, row, strict=True))
    assert found["cost"] == "0.00024"
    assert found["unknown"] == ""
    assert found["text"] == 'ü "quoted", and\ntwo lines'
    assert found["flag"] == "true"
    assert json.loads(found["tags"]) == {"team": "search"}


def test_parquet_has_the_same_values_and_types(tmp_path: Path) -> None:
    columns, types, rows = result(EVERY_TYPE)
    stream = io.BytesIO()
    assert write_rows(columns, types, rows, "parquet", stream) == 1
    (tmp_path / "rows.parquet").write_bytes(stream.getvalue())
    names, kinds, found = result(f"FROM '{tmp_path / 'rows.parquet'}'")
    assert names == distinct(columns)
    assert kinds == ["DECIMAL(38,0)" if kind == "HUGEINT" else kind for kind in types]
    position = columns.index("odd")
    assert str(found[0][position]) == "nan"  # which equals nothing, itself included
    assert [value for at, value in enumerate(found[0]) if at != position] == [
        value for at, value in enumerate(rows[0]) if at != position
    ]


@pytest.mark.parametrize(("fmt", "nothing"), [("json", "[]\n"), ("csv", "a,b\n")])
def test_no_rows_are_still_a_whole_document(fmt: str, nothing: str) -> None:
    assert written("SELECT 1 AS a, 2 AS b WHERE false", fmt) == nothing


def test_no_rows_are_still_a_parquet_file_with_its_columns(tmp_path: Path) -> None:
    with (tmp_path / "rows.parquet").open("wb") as stream:
        write_rows(*result('SELECT 1.5 AS a, 2 AS "b\'" WHERE false'), "parquet", stream)
    assert result(f"FROM '{tmp_path / 'rows.parquet'}'")[0] == ["a", "b'"]


def test_an_unknown_format_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(QueryInvalid) as caught:
        written("SELECT 1", "xml")
    assert caught.value.hint == "formats are: json, csv, parquet"


@given(
    st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e26"), max_value=Decimal("1e26"), places=12)
)
def test_a_plain_figure_is_exact_and_has_no_trailing_zeros(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert "." not in text or text[-1] not in "0."
    assert text != "-0"
