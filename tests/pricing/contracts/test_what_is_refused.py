"""A wrong meter.toml is refused by name, with the mend, and changes nothing that is in force."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from meter.errors import SettingInvalid
from meter.home import Home
from meter.pricing.contracts import in_force
from tests.cli.running import run
from tests.pricing.batches import price_one
from tests.pricing.contracts.terms import configure, parsed

X = "[contracts.x]\n"
HOURLY = 'fee = { amount = "1", per = "hour" }'
FAULTS = [
    (f"{X}multiplier = 0.8\nfrom = 2026-10-15\nto = 2026-10-15", 4, "and begins on 2026-10-15", "later date"),
    (f"{X}multiplier = -0.8", 2, "below 0", "0.8"),
    (f'{X}multiplier = "a fifth"', 2, "no number", "0.8"),
    (f"{X}multiplier = nan", 2, "no plain number", "0.8"),
    (f'{X}multiplier = "0.8%"', 2, "no number", "0.8"),
    (f"{X}multiplier = 0.1234567890123", 2, "12 after it", "0.8"),
    (f"{X}multplier = 0.8", 2, "no key 'multplier'", "did you mean 'multiplier'"),
    (f"{X}multiplier = 1\nprovider = 'antropic'", 3, "nobody knows a provider 'antropic'", "did you mean 'anthropic'"),
    (f"{X}multiplier = 1\nprovider = 3", 3, "no name or pattern", "anthropic"),
    (f"{X}multiplier = 1\nusage = ['tokens_in']", 3, "no usage class 'tokens_in'", "classes are: input"),
    (f"{X}multiplier = 1\nusage = []", 3, "names no usage class", "cache_read"),
    (f"{X}prices = {{ inptu = 3 }}", 2, "no usage class 'inptu'", "did you mean 'input'"),
    (f"{X}prices = {{ input = -3 }}", 2, "below 0", "per million tokens"),
    (f"{X}prices = {{ images = 1000000 }}", 2, "a million or more", "per unit"),
    (f"{X}prices = {{}}", 2, "prices is empty", "output"),
    (f"{X}prices = 3", 2, "no table", "output"),
    (f"{X}currency = 'euros'\nprices = {{ input = 3 }}", 2, "no currency", "EUR"),
    (f"{X}currency = 'EUX'\nprices = {{ input = 3 }}", 2, "did you mean EUR", "EUR"),
    (f"{X}currency = 'EUR'\nmultiplier = 1", 2, "a multiplier has no currency", "take it off"),
    (f"{X}multiplier = 1\nprices = {{ input = 3 }}", 3, "prices and a multiplier", "two contracts"),
    (f"{X}model = 'gpt-*'", 1, "changes no price", "multiplier, prices"),
    (f"{X}from = 'soon'\nmultiplier = 1", 2, "soon", "2026-10-15"),
    (f"{X}from = 2026-10-15T12:00:00\nmultiplier = 1", 2, "no time zone", "2026-10-15"),
    (f"{X}usage = ['input']\n{HOURLY}\nfrom = 2026-01-01", 2, "goes with `multiplier` only", "whole calls"),
    (f"{X}{HOURLY}", 2, "since when the fee runs", "from"),
    (f"{X}fee = {{ amount = 1, per = 'week' }}\nfrom = 2026-01-01", 2, "none of hour, month, once", "12.50"),
    (f"{X}fee = {{ amount = 1, per = 'hour', spred = true }}\nfrom = 2026-01-01", 2, "no key 'spred'", "did you mean 'spread'"),
    (f"{X}commitment = {{ amount = 5 }}\nfrom = 2026-01-01", 2, "no beginning or no expiry", "to"),
    (f"{X}commitment = {{ amount = 0 }}", 2, "its amount is 0", "50000"),
    (f"{X}volume = {{ tiers = [] }}", 2, "no tiers", "graduated"),
    (f"{X}volume = {{ tiers = [{{ over = 9, multiplier = 1 }}, {{ over = 9, multiplier = 1 }}] }}", 2, "do not rise", "in order"),
    (f"{X}volume = {{ period = 'term', tiers = [{{ over = 9, multiplier = 1 }}] }}", 2, "since when volume counts", "month"),
    (f"{X}volume = {{ by = 'tokens', tiers = [{{ over = 0.5, multiplier = 1 }}] }}", 2, "a part of a token", "whole number"),
    ("[contracts]\nx = 3", 2, "is no contract", "[contracts.x]"),
    ("[aliases]\na = 3", 2, "names no model", "gpt-4o"),
    ("[aliases]\na = { model = 'gpt-4o', provider = 'opnai' }", 2, "nobody knows a provider 'opnai'", "did you mean 'openai'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message", "mend"), FAULTS)
def test_a_fault_is_told_with_file_line_and_mend(
    own_book: duckdb.DuckDBPyConnection, tmp_path: Path, home: Home, text: str, line: int, message: str, mend: str
) -> None:
    path = tmp_path / "meter.toml"
    with pytest.raises(SettingInvalid) as caught:
        configure(own_book, tmp_path, text)
    assert caught.value.message.startswith(f"{path}:{line}: ")
    assert message in caught.value.message
    assert mend in (caught.value.hint or "")
    shown = run("config", "check", str(path))
    assert shown.code == 1
    assert shown.out.startswith(f"{path}:{line}: ")
    assert message in shown.out


TIES = [
    ("provider = 'openai'\nmultiplier = 1", "provider = 'openai'\nmultiplier = 1"),
    ("provider = 'openai'\nmultiplier = 1", "account = 'org-1'\nmultiplier = 1"),
    ("model = 'gpt-4*'\nmultiplier = 1", "model = '*-mini'\nmultiplier = 1"),
    ("model = 'gpt-?'\nprices = { input = 1 }", "model = 'gp*-4'\nprices = { cache_read = 1, input = 2 }"),
    ("to = 2026-10-16\nmultiplier = 1", "from = 2026-10-15\nmultiplier = 1"),
    ("usage = ['input', 'output']\nmultiplier = 1", "usage = ['output']\nmultiplier = 1"),
    ("model = 'acme-*'\nprices = { input = 1 }", "provider = 'openai'\ntier = 'default'\nmultiplier = 1"),
    ("model = 'acme-*'\nprices = { input = 1 }", "provider = 'openai'\ntier = '*'\nmultiplier = 1"),
    ("volume = { tiers = [{ over = 1, multiplier = 1 }] }", "volume = { tiers = [{ over = 2, multiplier = 1 }] }"),
]
CLEAR = [
    ("model = 'acme-*'\nprices = { input = 1 }", "provider = 'openai'\ntier = 'batch'\nmultiplier = 1"),
    ("provider = 'openai'\nmultiplier = 1", "provider = 'anthropic'\nmultiplier = 1"),
    ("provider = 'openai'\nmultiplier = 1", "provider = 'openai'\naccount = 'org-1'\nmultiplier = 1"),
    ("model = 'gpt-4*'\nmultiplier = 1", "model = 'gpt-4o*'\nmultiplier = 1"),
    ("model = 'gpt-4*'\nmultiplier = 1", "model = 'claude*'\nmultiplier = 1"),
    ("to = 2026-10-15\nmultiplier = 1", "from = 2026-10-15\nmultiplier = 1"),
    ("usage = ['input']\nmultiplier = 1", "usage = ['output']\nmultiplier = 1"),
    ("multiplier = 1", "prices = { output = 1 }"),
    ("multiplier = 1", "volume = { tiers = [{ over = 2, multiplier = 1 }] }"),
    ("from = 2026-01-01\nfee = { amount = 1, per = 'hour' }", "from = 2026-01-01\nfee = { amount = 1, per = 'hour' }"),
]


@pytest.mark.parametrize("pair", TIES)
def test_a_tie_names_both_contracts(tmp_path: Path, pair: tuple[str, str]) -> None:
    _, faults = parsed(tmp_path, f"[contracts.one]\n{pair[0]}\n[contracts.other]\n{pair[1]}")
    ((place, message, mend),) = faults
    assert place == ("contracts", "other")
    assert "'other' and 'one' are equally specific" in message
    assert mend


@pytest.mark.parametrize("pair", CLEAR)
def test_contracts_that_differ_in_reach_or_rank_are_no_tie(tmp_path: Path, pair: tuple[str, str]) -> None:
    assert parsed(tmp_path, f"[contracts.one]\n{pair[0]}\n[contracts.other]\n{pair[1]}")[1] == []


@pytest.mark.parametrize("more", ["fee = { amount = 1, per = 'month' }", "commitment = { amount = 9 }"])
def test_volume_tiers_that_give_way_stand_apart_from_what_does_not(tmp_path: Path, more: str) -> None:
    tier = "volume = { tiers = [{ over = 1, multiplier = 0.9 }] }"
    broad = f"[contracts.broad]\nfrom = 2026-01-01\nto = 2027-01-01\n{tier}"
    narrow = f"[contracts.narrow]\nmodel = 'gpt-4*'\n{tier}"
    ((place, message, mend),) = parsed(tmp_path, f"{broad}\n{more}\n{narrow}")[1]
    assert place == ("contracts", "broad")
    assert "'broad' give way to those of 'narrow'" in message
    assert "contract of their own" in mend
    apart = f"{broad}\n[contracts.more]\nfrom = 2026-01-01\nto = 2027-01-01\n{more}"
    assert parsed(tmp_path, f"{apart}\n{narrow}")[1] == []
    assert parsed(tmp_path, f"{broad}\n{narrow}\n{more}\nfrom = 2026-01-01\nto = 2027-01-01")[1] == []


def test_a_wrong_file_leaves_the_last_sound_one_in_force(own_book: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    configure(own_book, tmp_path, "[contracts.acme]\nmultiplier = 0.5")
    for wrong in (
        "[contracts.acme]\nmultiplier = -1",
        "[contracts.acme]\nmultiplier = 0.2\n[contracts.b]\nmultiplier = 1",
    ):
        with pytest.raises(SettingInvalid):
            configure(own_book, tmp_path, wrong)
    assert [contract.name for contract in in_force(own_book).contracts] == ["acme"]
    assert (
        price_one(own_book, usage={"input": 1_000_000})["contracted_cost"] * 2
        == price_one(own_book, usage={"input": 1_000_000})["list_cost"]
    )
