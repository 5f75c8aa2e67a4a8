"""Contracts as users meet them: taken in with the next ingest, explained, and refused without harm."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

import meter
from meter.home import Home, ensure
from tests.cli.running import run

THE_15TH = datetime(2026, 10, 15, tzinfo=timezone.utc)
FIFTH_OFF = '[contracts.acme]\nprovider = "anthropic"\nfrom = 2026-10-15\nmultiplier = "0.8"\n'


def recorded(model: str = "claude-sonnet-4-5", **fields: Any) -> str:
    known = {"provider": "anthropic", "usage": {"input": 100_000}, "started_at": THE_15TH}
    return meter.record(model=model, **{**known, **fields})


def test_ingest_takes_contracts_in_and_says_what_they_do_not_reach(home: Home) -> None:
    ensure(home)
    recorded()
    assert run("ingest").code == 0
    home.config.write_text(FIFTH_OFF)
    call_id = recorded()
    done = run("ingest")
    assert done.code == 0
    assert "for earlier ones: meter reprice" in done.err
    shown = run("sql", "SELECT list_cost, contracted_cost FROM calls ORDER BY ALL", "--format", "json")
    assert [list(row.values()) for row in json.loads(shown.out)] == [["0.3", "0.24"], ["0.3", "0.3"]]
    assert "acme" in run("prices", "explain", call_id).out


@pytest.mark.parametrize("words", [("config", "check"), ("doctor",)], ids=" ".join)
def test_a_check_hides_from_nobody_what_new_contracts_do_not_reach(home: Home, words: tuple[str, ...]) -> None:
    ensure(home)
    recorded()
    assert run("ingest").code == 0
    home.config.write_text(FIFTH_OFF)
    checked = run(*words)
    recorded()
    assert "for earlier ones: meter reprice" in checked.err + run("ingest").err


FEE = (
    '[contracts.hourly]\nprovider = "openai"\nfrom = 2026-10-01\nto = 2026-11-01\nfee = { amount = 2, per = "hour" }\n'
)


@pytest.mark.parametrize("changed", [FEE.replace("2,", "3,"), ""], ids=["changed", "gone"])
def test_a_fee_that_is_changed_or_gone_is_told_since_past_months_follow(home: Home, changed: str) -> None:
    ensure(home)
    home.config.write_text(FEE)
    recorded()
    assert "past months" not in run("ingest").err
    home.config.write_text(FEE + FIFTH_OFF)
    assert "past months" not in run("ingest").err
    home.config.write_text(changed + FIFTH_OFF)
    assert "for past months too" in run("ingest").err
    assert "past months" not in run("ingest").err


def test_a_wrong_file_is_told_with_its_line_and_prices_stay(home: Home) -> None:
    ensure(home)
    home.config.write_text(FIFTH_OFF)
    recorded()
    assert run("ingest").code == 0
    home.config.write_text(FIFTH_OFF.replace("0.8", "-0.8"))
    recorded()
    done = run("ingest")
    assert done.code == 3
    assert f"{home.config}:4: [contracts] acme: multiplier: '-0.8' is below 0" in done.err
    shown = run("sql", "SELECT DISTINCT contracted_cost FROM calls", "--format", "json")
    assert json.loads(shown.out) == [{"contracted_cost": "0.24"}]
    assert "below 0" in run("spend", "--month", "2026-10").err


def test_config_check_remarks_on_classes_and_providers_that_a_contract_misses(home: Home) -> None:
    ensure(home)
    meter.record(provider="anthropic", model="claude-sonnet-4-5", usage={"input": 1})
    assert run("ingest").code == 0
    text = (
        '[contracts.mini]\nprovider = "openai"\nmodel = "gpt-4o-mini"\nprices = { input = "0.10", output = "0.40" }\n'
    )
    home.config.write_text(text)
    shown = run("config", "check")
    assert shown.code == 0
    assert f"{home.config}:4: [contracts] mini: gpt-4o-mini has public prices of its own" in shown.out
    assert "cache_read (as input)" in shown.out
    assert (
        f"{home.config}:2: [contracts] mini: no call of the last 92 days is of openai; calls are of: anthropic"
        in shown.out
    )


def test_config_check_remarks_on_an_alias_for_what_nothing_has_a_price_for(home: Home) -> None:
    ensure(home)
    home.config.write_text(
        '[aliases]\nprod = "gpt-4o"\ntest = "prod"\nours = "acme-1"\nlost = "gpt-nine"\n'
        '[contracts.gpu]\nmodel = "acme-*"\nprices = { input = "0.10", output = "0.40" }\n'
    )
    shown = run("config", "check")
    assert shown.code == 0
    assert [line for line in shown.out.splitlines() if "nothing has a price" in line] == [
        f"{home.config}:{line}: [aliases] {name}: nothing has a price for {model!r}, so its calls have none; "
        "name a model as `meter prices list` does; an alias of an alias is not followed"
        for line, name, model in ((3, "test", "prod"), (5, "lost", "gpt-nine"))
    ]


def test_a_file_may_begin_with_the_mark_that_editors_of_windows_write(home: Home) -> None:
    ensure(home)
    home.config.write_text("\ufeff" + FIFTH_OFF.replace("\n", "\r\n"), "utf-8")
    assert run("config", "check").code == 0
    recorded()
    assert run("ingest").code == 0
    shown = run("sql", "SELECT contracted_cost FROM calls", "--format", "json")
    assert json.loads(shown.out) == [{"contracted_cost": "0.24"}]
