"""Calls priced anew: nothing differs unless the book does, and what differs is a revision."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meter.errors import MeterError, SettingInvalid
from meter.ledger import Ledger
from meter.ledger.memory import bound_memory
from meter.ledger.repricing import Revision, Scope, measure, slices
from meter.pricing import ratios
from tests.ledger.books import (
    ALL,
    COMMITMENT,
    DAY,
    FIFTH_OFF,
    MINI,
    NOVEMBER,
    NOW,
    SONNET,
    assert_revisions_tie,
    assert_ties,
    contract,
    filled,
    in_currency,
    metric,
    multiply,
    reprice,
    restore,
    tables,
    withdraw,
)
from tests.ledger.records import TS, call, rows

CUT: dict[str, Any] = {"status": "aborted", "stream": True}


def test_without_a_change_in_the_book_nothing_is_revised(ledger: Ledger) -> None:
    filled(ledger, call(), call(usage=None))
    before = tables(ledger)
    assert reprice(ledger) is None
    assert tables(ledger) == before


def test_a_new_price_becomes_a_revision_that_says_who_when_why_and_what(ledger: Ledger) -> None:
    filled(ledger, call(), call(tags={"team": "support"}), call(response_model="gpt-4o-2024-08-06"))
    multiply(ledger, 2)
    assert reprice(ledger) == Revision(1, calls=2, adjustments=0)
    assert rows(
        ledger, "SELECT revision_id, kind, made_at, made_by, reason, months, currency, calls FROM revisions"
    ) == [(1, "reprice", NOW, "me@here", "a test", [date(2025, 11, 1)], "USD", 2)]
    assert rows(
        ledger, "SELECT old_list_cost, new_list_cost, old_effective_cost, new_effective_cost FROM revisions"
    ) == [tuple(map(Decimal, ("0.00048", "0.00096", "0.00048", "0.00096")))]
    groups = rows(ledger, "SELECT old_rate_card_id, new_rate_card_id, calls FROM ledger.revised")
    cards = set(rows(ledger, "SELECT DISTINCT rate_card_id FROM calls WHERE response_model LIKE '%mini%'"))
    assert [calls for *_, calls in groups] == [1, 1]
    assert {(new,) for _, new, _ in groups} == cards
    assert all(old != new for old, new, _ in groups)
    assert_ties(ledger)
    assert reprice(ledger) is None


def test_facts_and_calls_that_do_not_differ_stay_as_they_are(ledger: Ledger) -> None:
    filled(
        ledger,
        call(),
        call(response_model="gpt-4o-2024-08-06"),
        call(seen_chars=40, usage=None, source="missing", **CUT),
    )
    derived = """list_cost, list_currency, currency, price_status, rate_card_id, priced_model, model_developer,
        contracted_cost_if_other, effective_cost_if_other, contract_card_id, contract_rule_id, estimate_low, estimate_high"""
    facts = f"SELECT rowid, * EXCLUDE ({derived}) FROM ledger.calls ORDER BY rowid"
    others = "SELECT * FROM ledger.calls WHERE response_model LIKE 'gpt-4o-2024%'"
    before = rows(ledger, facts), rows(ledger, others)
    multiply(ledger, 3)
    assert reprice(ledger) == Revision(1, 2, 0)
    assert (rows(ledger, facts), rows(ledger, others)) == before


def test_a_newer_edition_with_the_same_prices_is_no_difference(ledger: Ledger) -> None:
    filled(ledger, call())
    multiply(ledger, 1)
    assert reprice(ledger) is None


def test_a_price_that_becomes_known_and_one_that_is_lost(ledger: Ledger) -> None:
    filled(ledger, call())
    withdraw(ledger)
    found = measure(ledger, ALL)
    (row,) = (dict(zip(found.columns, row, strict=True)) for row in found.rows)
    assert (row["price_status"], row["new_effective_cost"]) == ("priced → unpriced", None)
    assert row["effective_difference"] == Decimal("-0.00024")
    reprice(ledger)
    assert rows(ledger, "SELECT price_status, effective_cost, rate_card_id FROM calls") == [("unpriced", None, None)]
    restore(ledger)
    reprice(ledger)
    assert rows(ledger, "SELECT price_status, effective_cost FROM calls") == [("priced", Decimal("0.00024"))]
    assert [row[0] for row in rows(ledger, "SELECT old_price_status FROM ledger.revised")] == ["priced", "unpriced"]


def test_a_currency_that_changes_makes_a_row_of_each(ledger: Ledger) -> None:
    filled(ledger, call())
    in_currency(ledger, "EUR")
    found = measure(ledger, ALL)
    shown = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    amount = Decimal("0.00024")
    assert {row["currency"]: (row["old_effective_cost"], row["new_effective_cost"]) for row in shown} == {
        "USD": (amount, None),
        "EUR": (None, amount),
    }
    reprice(ledger)
    assert rows(ledger, "SELECT currency, calls, new_effective_cost FROM revisions") == [
        ("EUR", 1, amount),
        ("USD", 1, None),
    ]
    spent = {dict(series)["currency"]: spend for series, spend in metric(ledger, "spend").items()}
    revised = {dict(series)["currency"]: spend for series, spend in metric(ledger, "spend_revision").items()}
    assert (spent, revised) == ({"USD": amount, "EUR": 0}, {"USD": -amount, "EUR": amount})
    assert_revisions_tie(ledger)


def test_a_contract_of_last_week_prices_the_calls_it_covers_from_its_day_on(ledger: Ledger) -> None:
    filled(
        ledger,
        call(),
        call(TS + 10 * DAY),
        call(TS + 10 * DAY, provider="anthropic", response_model="claude-haiku-4-5"),
    )
    contract(ledger, FIFTH_OFF)
    assert reprice(ledger) == Revision(1, 1, 0)
    costs = "SELECT list_cost, contracted_cost, effective_cost FROM calls WHERE provider = 'openai' ORDER BY call_id"
    full, less = Decimal("0.00024"), Decimal("0.000192")
    assert rows(ledger, costs) == [(full, full, full), (full, less, less)]
    assert rows(
        ledger, "SELECT old_list_cost, new_list_cost, old_contracted_cost, new_contracted_cost FROM revisions"
    ) == [(full, full, full, less)]
    ((old, new),) = rows(ledger, "SELECT old_contract_card_id, new_contract_card_id FROM ledger.revised")
    assert old is None
    assert rows(ledger, "SELECT DISTINCT contract_card_id FROM ledger.calls WHERE contract_card_id IS NOT NULL") == [
        (new,)
    ]
    assert_ties(ledger)
    contract(ledger, "")
    assert reprice(ledger) == Revision(2, 1, 0)
    assert rows(ledger, costs) == [(full, full, full)] * 2


def test_a_contract_by_the_month_finds_older_calls_once_they_are_repriced(ledger: Ledger) -> None:
    filled(ledger, call(), call(provider="anthropic", response_model="claude-haiku-4-5"))
    contract(ledger, COMMITMENT)
    found = measure(ledger, ALL)
    assert (found.changed, [row[-1] for row in found.rows]) == (1, [Decimal(0)])
    assert reprice(ledger) == Revision(1, 1, 0)
    assert rows(ledger, "SELECT provider FROM ledger.calls WHERE contract_card_id IS NOT NULL") == [("openai",)]
    assert reprice(ledger) is None


def test_a_meter_toml_that_is_wrong_is_no_word_to_price_by(ledger: Ledger) -> None:
    filled(ledger, call())
    ledger.home.config.write_text("[contracts.acme]\nmultiplier = 'cheap'\n", "utf-8")
    with pytest.raises(SettingInvalid, match="cheap"):
        measure(ledger, ALL)
    with pytest.raises(SettingInvalid, match="cheap"):
        reprice(ledger)


@pytest.mark.parametrize(
    ("scope", "calls"),
    [
        (ALL, 3),
        (replace(ALL, model="GPT-4o-*"), 2),
        (replace(ALL, model="claude-*"), 1),
        (replace(ALL, model="gpt-[4]o*"), 0),
        (replace(ALL, provider="anthropic"), 1),
        (replace(ALL, provider="openai", model="*sonnet*"), 0),
        (replace(ALL, until=NOVEMBER.until), 2),
        (replace(ALL, since=NOVEMBER.until), 1),
        (replace(ALL, provider="it's nobody"), 0),
    ],
)
def test_only_the_chosen_calls_are_priced_anew(ledger: Ledger, scope: Scope, calls: int) -> None:
    sonnet: dict[str, Any] = {
        "provider": "anthropic",
        "request_model": "claude-sonnet-4-5",
        "response_model": "claude-sonnet-4-5-20250929",
    }
    filled(ledger, call(), call(TS + 30 * DAY), call(**sonnet))
    for model in (MINI, SONNET):
        multiply(ledger, 2, model)
    found = measure(ledger, scope)
    assert (found.looked_at, found.changed) == (calls, calls)
    done = reprice(ledger, scope)
    assert (done.calls if done else 0) == calls
    assert measure(ledger, ALL).changed == 3 - calls
    assert_ties(ledger)


def test_to_measure_changes_no_table_of_the_file(ledger: Ledger) -> None:
    filled(ledger, call(), call(seen_chars=40, usage=None, source="missing", **CUT))
    multiply(ledger, 2)
    before = tables(ledger)
    assert measure(ledger, ALL).changed == 2
    assert tables(ledger) == before


def test_what_was_shown_is_what_is_written_or_nothing_is(ledger: Ledger) -> None:
    filled(ledger, call())
    multiply(ledger, 2)
    shown = measure(ledger, ALL)
    multiply(ledger, 2)
    before = tables(ledger)
    with pytest.raises(MeterError, match="changed meanwhile"):
        reprice(ledger, shown=shown)
    assert tables(ledger) == before
    assert reprice(ledger, shown=measure(ledger, ALL)) == Revision(1, 1, 0)


def test_a_revision_that_fails_midway_leaves_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(ledger, call(), call(TS + 1))
    multiply(ledger, 2)
    before = tables(ledger)

    def fails(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reprice(ledger, progress=fails)
    assert tables(ledger) == before


def test_many_slices_come_to_the_same_as_one(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(ledger, *(call(TS + n) for n in range(50)))
    multiply(ledger, 2)
    whole = measure(ledger, ALL)
    monkeypatch.setattr(slices, "CALLS", 7)
    monkeypatch.setattr(slices, "ROW_GROUP", 3)
    told: list[tuple[int, int]] = []
    assert measure(ledger, ALL, lambda *done: told.append(done)) == whole
    assert told[0] == (0, 50)
    assert told[-1] == (50, 50)
    assert len(told) > 5
    assert reprice(ledger) == Revision(1, 50, 0)
    assert rows(
        ledger, "SELECT list_sort(list(started_at ORDER BY rowid)) = list(started_at ORDER BY rowid) FROM ledger.calls"
    ) == [(True,)]


ESTIMATES: list[dict[str, Any]] = [
    {"usage": None, "source": "missing", "sent_chars": 4000, "seen_chars": 800},
    {"usage": None, "source": "missing", "sent_chars": 4000, "seen_chars": 0},
    {"usage": {"input": 5, "output": 500}, "source": "partial", "seen_chars": 40},
    {"usage": {"input": 5, "output": 7}, "source": "partial", "seen_chars": 4000},
    {"usage": {"output": 7.25}, "source": "partial", "sent_chars": 4000, "seen_chars": 0},
    {"usage": {"output": 7.25}, "source": "missing", "sent_chars": 4000, "seen_chars": 0},
    {"usage": {}, "source": "partial", "sent_chars": 4000, "seen_chars": 0},
    {"usage": {"input": 3}, "source": "partial", "sent_chars": 10},
    {"usage": {"input": 3}, "source": "missing", "sent_chars": 10},
    {"usage": None, "source": None, "sent_chars": 10, "seen_chars": 30},
]  # fmt: skip


@pytest.mark.parametrize("fields", ESTIMATES, ids=str)
def test_an_estimate_is_found_again_with_its_bounds(ledger: Ledger, fields: dict[str, Any]) -> None:
    filled(ledger, call(**fields, **CUT))
    assert measure(ledger, ALL).changed == 0
    before = rows(ledger, "SELECT effective_cost, estimate_low, estimate_high, usage_source FROM calls")
    multiply(ledger, 2)
    reprice(ledger)
    ((likely, low, high, source),) = rows(
        ledger, "SELECT effective_cost, estimate_low, estimate_high, usage_source FROM calls"
    )
    doubled = [amount and 2 * amount for amount in before[0][:3]]
    assert [likely, low, high, source] == [*doubled, before[0][3]]
    assert_ties(ledger)


def test_what_was_reported_before_an_estimate_is_kept(ledger: Ledger) -> None:
    filled(ledger, call(usage={"input": 5, "output": 7}, source="partial", seen_chars=4000, **CUT))
    assert rows(ledger, "SELECT output, estimated_usage, reported_usage, reported_source FROM ledger.calls") == [
        (1000, '{"output":"1000.000000"}', '{"output":"7.000000"}', "partial")
    ]


def test_tokens_that_were_estimated_once_stay_when_they_would_be_estimated_otherwise_today(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(ledger, call(usage=None, source="missing", sent_chars=4000, seen_chars=800, **CUT), call())
    before = rows(ledger, "SELECT input_tokens, output_tokens, effective_cost FROM calls ORDER BY call_id")
    newer = {"likely": "2", "for_low": "4", "for_high": "1", "source": "a test"}
    monkeypatch.setattr(ratios, "families", lambda: [{"name": "any", "models": ["*"], "ratio": [newer]}])
    multiply(ledger, 1)
    found = measure(ledger, ALL)
    assert (found.changed, {row[-1] for row in found.rows}) == (1, {Decimal(0)})
    reprice(ledger)
    assert rows(ledger, "SELECT input_tokens, output_tokens, effective_cost FROM calls ORDER BY call_id") == before
    ((low, likely, high),) = rows(
        ledger, "SELECT estimate_low, effective_cost, estimate_high FROM calls WHERE usage_source = 'estimated'"
    )
    assert low <= likely < high
    assert_ties(ledger)
    assert reprice(ledger) is None


def test_memory_is_bounded_unless_it_is_already(tmp_path: Path) -> None:
    for limit, expected in (("8GB", "1.0 GiB"), ("100MB", "95.3 MiB")):
        with duckdb.connect() as con:
            con.execute(f"SET memory_limit = '{limit}'")
            bound_memory(con)
            assert con.execute("SELECT current_setting('memory_limit')").fetchall() == [(expected,)]
