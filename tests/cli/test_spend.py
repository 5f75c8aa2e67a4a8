"""spend: by columns and tags, of a period, in one currency or several."""

from __future__ import annotations

import pytest

from meter import queries
from meter.home import Home
from meter.report import run as run_report
from tests.cli.conftest import record_in_euros
from tests.cli.running import MARCH, bare, objects, run, run_terminal


def test_spend_is_by_team_and_model_largest_first(sample: Home) -> None:
    shown = run("spend", *MARCH, "--format", "json")
    assert shown.code == 0
    rows = [
        (row["team"], row["model"], row["calls"], row["effective_cost"], row["unpriced_calls"])
        for row in objects(shown.out)
    ]
    assert rows == [
        ("search", "gpt-4o-mini", 2, "0.00048", 0),
        ("support", "claude-haiku-4-5", 1, "0.0003", 0),
        ("(untagged)", "gpt-4o-mini", 2, "0.00024", 0),
        ("support", "a-model-of-our-own", 1, None, 1),
    ]
    assert "2026-03: 0.00102 USD, 6 calls; unpriced: 16.7 % of the calls" in shown.err


@pytest.mark.parametrize(("by", "columns"), [("provider", ["provider"]), ("feature, day", ["feature", "day"])])
def test_spend_takes_columns_and_tags(sample: Home, by: str, columns: list[str]) -> None:
    rows = objects(run("spend", *MARCH, "--by", by, "--format", "json").out)
    assert list(rows[0])[: len(columns)] == columns
    assert sum(row["calls"] for row in rows) == 6


def test_spend_since_then_reaches_to_now(sample: Home) -> None:
    assert [row["calls"] for row in objects(run("spend", "--since", "1h", "--format", "json").out)] == [2]
    assert [row["calls"] for row in objects(run("spend", "--format", "json").out)] == [2]
    assert "since 2026-01-01: 0.0015 USD, 8 calls" in run("spend", "--since", "2026-01-01").err


def test_spend_goes_by_every_column_that_its_help_names(sample: Home) -> None:
    names = run_report.dimensions(queries.get("reports", "spend"))
    shown = " ".join(run("spend", "--help").out.split())
    listed = shown.partition("Columns are ")[2].partition("; any other")[0].replace(" and ", ", ")
    assert sorted(listed.split(", ")) == sorted(names)
    for name in names:
        asked = run("spend", *MARCH, "--by", name, "--format", "json")
        assert (asked.code, sum(row["calls"] for row in objects(asked.out))) == (0, 6), asked.err


@pytest.mark.parametrize("name", ["effective_cost", "currency", "started_at", "tags"])
def test_a_column_that_spend_cannot_go_by_is_no_tag(sample: Home, name: str) -> None:
    for words in (["spend", *MARCH, "--by", f"team,{name}"], ["report", "spend", *MARCH, "--param", f"by={name}"]):
        shown = run(*words)
        assert (shown.code, shown.out) == (1, "")
        assert f"not grouped by {name!r}" in shown.err
        assert "server_address" in shown.err


@pytest.mark.parametrize("command", [["spend"], ["report", "totals"]])
@pytest.mark.parametrize("option", ["--month", "--since"])
def test_an_empty_period_is_an_error_and_not_the_default(sample: Home, command: list[str], option: str) -> None:
    shown = run(*command, option, "")
    assert (shown.code, shown.out) == (1, "")
    assert "'' is not a" in shown.err


def test_a_name_that_no_call_has_as_a_tag_is_told(sample: Home) -> None:
    shown = run("spend", *MARCH, "--by", "modle")
    assert "no call has the tag 'modle'" in shown.err
    assert "no call has" not in run("spend", *MARCH, "--by", "team").err


def test_spend_in_two_currencies_keeps_them_apart(sample: Home) -> None:
    record_in_euros()
    assert "0.25 EUR + 0.00102 USD" in run("spend", *MARCH).err
    assert "currency" in bare(run_terminal("spend", *MARCH).out)
    assert "0.25 EUR + 0.0015 USD" in run("spend", "--since", "2026-01-01").err


def test_days_are_the_ledgers_and_not_the_machines(sample: Home) -> None:
    sample.config.write_text('[period]\ntimezone = "Pacific/Auckland"\n')
    rows = objects(run("spend", *MARCH, "--by", "day", "--format", "json").out)
    assert {row["day"] for row in rows} == {"2026-03-11", "2026-03-12"}
