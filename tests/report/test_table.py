"""What a column is decides how its cells look."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from meter.report import table
from meter.report.table import Result


@pytest.mark.parametrize(
    ("name", "kind", "value", "piped", "seen"),
    [
        ("effective_cost", "DECIMAL(38,12)", Decimal("1234.500000000000"), "1234.50", "1,234.50"),
        ("anything", "DECIMAL(38,12)", Decimal("0.000240000000"), "0.00024", "0.00024"),
        ("anything", "DECIMAL(38,12)", None, "–", "–"),
        ("rate", "DECIMAL(20,12)", Decimal("0.851700000000"), "0.8517", None),
        ("lowest_rate", "DECIMAL(38,12)", Decimal("16500.123456789012"), "16500.123456789012", "16,500.123456789012"),
        ("multiplier", "DECIMAL(18,12)", Decimal("0.875000000000"), "0.875", None),
        ("effective_savings_rate", "DECIMAL(26,12)", Decimal("0.125000000000"), "12.5 %", None),
        ("quantity", "DECIMAL(38,6)", Decimal("1234.000000"), "1234", "1,234"),
        ("input_tokens", "HUGEINT", 1234567, "1234567", "1,234,567"),
        ("calls", "BIGINT", 1234, "1234", "1,234"),
        ("year", "BIGINT", 2026, "2026", "2026"),
        ("unpriced_share", "DOUBLE", 0.25, "25.0 %", "25.0 %"),
        ("ratio", "DOUBLE", 1 / 3, "0.333333", "0.333333"),
        ("stream", "BOOLEAN", True, "true", "true"),
        ("team", "VARCHAR", "search", "search", "search"),
        ("team", "VARCHAR", "", "", ""),
        ("team", "VARCHAR", "two\nlines", "two\\nlines", "two\\nlines"),
        ("team", "VARCHAR", "\x1b[31mred", "\\u001b[31mred", "\\u001b[31mred"),
        ("team", "VARCHAR", "zoë 模型", "zoë 模型", "zoë 模型"),
        ("tags", "MAP(VARCHAR, VARCHAR)", {"team": "a", "x": None}, "team=a, x=–", "team=a, x=–"),
        ("models", "VARCHAR[]", ["a", "b"], "a, b", "a, b"),
        (
            "at",
            "TIMESTAMPTZ",
            datetime(2026, 1, 2, 3, 4, 5, 678_900, timezone.utc),
            "2026-01-02 03:04:05.678+00:00",
            None,
        ),
        ("at", "TIMESTAMPTZ", datetime(2026, 1, 2, tzinfo=timezone.utc), "2026-01-02 00:00:00+00:00", None),
    ],
)
def test_a_cell_is_written_for_its_reader(name: str, kind: str, value: Any, piped: str, seen: str | None) -> None:
    result = Result([name], [kind], [[value]])
    assert table.cells(result, "plain") == [[piped]]
    assert table.cells(result, "grouped") == [[piped if seen is None else seen]]


def test_numbers_stand_on_the_right() -> None:
    result = Result(["a", "b", "c", "d"], ["VARCHAR", "BIGINT", "DECIMAL(38,12)", "DOUBLE"], [])
    assert [column.right for column in table.columns(result)] == [False, True, True, True]
