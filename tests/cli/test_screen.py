"""Tables on terminals of any width: nothing is cut off, and what is said for all is said once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rich.cells import cell_len

from meter.cli import screen
from meter.report import table
from meter.report.table import Result

MODELS = ["gpt-4o-mini-2024-07-18", "eu.anthropic.claude-sonnet-4-6", "模型-模型-模型-模型-模型-模型"]


def result(rows: int = 3) -> Result:
    columns = {
        "team": "VARCHAR",
        "model": "VARCHAR",
        "unit": "VARCHAR",
        "currency": "VARCHAR",
        "input_tokens": "HUGEINT",
        "effective_cost": "DECIMAL(38,12)",
    }
    line = ["search", "token", "USD", 123_456_789_012, Decimal("1234.5")]
    values = [[line[0], MODELS[number % 3], *line[1:-1], Decimal(number)] for number in range(rows)]
    return Result(list(columns), list(columns.values()), values, "Spend")


@pytest.mark.parametrize("width", [20, 30, 40, 50, 60, 70, 80, 100, 200])
def test_a_table_fits_any_terminal_and_cuts_nothing_off(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    screen.draw(result())
    shown = capsys.readouterr().out
    assert max(map(cell_len, shown.splitlines())) <= width
    flat = "".join(shown.split())
    assert flat.count("search") == 3
    for piece in ("gpt-4o", "claude", "sonnet", "模型"):
        assert piece in flat


@given(some.text(alphabet="ab-_./ 模", max_size=60), some.integers(1, 20))
def test_a_wrapped_text_is_whole_and_no_wider_than_asked(text: str, width: int) -> None:
    lines = screen.wrapped(text, width).split("\n")
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= max(width, 2) for line in lines)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("gpt-4o-mini-2024-07-18", ["gpt-4o-mini-", "2024-07-18"]),
        ("18 billion, -77.8 %", ["18 billion,", "-77.8 %"]),
        ("abcdefghijklmnop", ["abcdefghijkl", "mnop"]),
    ],
)
def test_a_text_is_broken_where_its_words_end(text: str, lines: list[str]) -> None:
    assert screen.wrapped(text, 12).split("\n") == lines


def test_one_currency_is_said_in_the_heads_and_two_stay_in_their_column() -> None:
    assert table.one_currency(result()).columns[-1] == "effective_cost USD"
    assert "currency" not in table.one_currency(result()).columns
    two = result(2)
    two.rows = [["a", "m", "token", currency, 1, Decimal(1)] for currency in ("USD", "EUR")]
    assert list(table.one_currency(two).columns) == list(two.columns)
    unknown = result(1)
    unknown.rows = [["a", "m", "token", None, 1, None]]
    assert "currency" in table.one_currency(unknown).columns


def test_what_every_row_says_is_said_once() -> None:
    shorter, said = table.without_sameness(result())
    assert said == ["team: search", "unit: token", "currency: USD", "input_tokens: 123,456,789,012"]
    assert list(shorter.columns) == ["model", "effective_cost"]
    assert table.without_sameness(result(1))[1] == []


def test_columns_without_a_word_are_left_out() -> None:
    blank = Result(["a", "b"], ["VARCHAR", "VARCHAR"], [[None, "x"], [None, None]])
    assert list(table.without_blanks(blank).columns) == ["b"]


def test_prices_and_exact_amounts_keep_every_digit() -> None:
    price = Result(["unit_price"], ["DECIMAL(18,12)"], [[Decimal("0.000001875000")]])
    assert table.cells(price, "grouped") == [["0.000001875"]]
    cost = Result(["list_cost"], ["DECIMAL(38,12)"], [[Decimal("1234.010464000000")], [None]], exact=True)
    assert table.cells(cost, "grouped") == [["1,234.010464"], ["–"]]
    assert table.cells(cost, "plain")[0] == ["1234.010464"]


def test_an_empty_result_has_its_heads(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screen.draw(Result(["team", "calls"], ["VARCHAR", "BIGINT"], []))
    assert capsys.readouterr().out.split()[:2] == ["team", "calls"]
