"""Taking a catalogue in: entries are added, never overwritten, and what was priced keeps its card."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meter import names, pricing
from meter.pricing import cards, catalogue, installed, matching
from meter.pricing.catalogue import PricedModel
from meter.pricing.units import Rate
from tests.pricing.batches import call, charges, dicts, empty_book, price_calls, price_one

USAGE = {"input": 1_000_000}
Book = duckdb.DuckDBPyConnection


def take_in(con: Book, monkeypatch: pytest.MonkeyPatch, version: str, models: list[PricedModel]) -> int:
    """Take in a catalogue of another version."""
    monkeypatch.setattr(installed, "digest", lambda: f"digest of {version}")
    monkeypatch.setattr(installed, "version", lambda: version)
    monkeypatch.setattr(catalogue, "compiled", lambda: iter(models))
    return pricing.refresh(con)


def dearer(model: PricedModel, factor: int = 2) -> PricedModel:
    """Return the model with every price multiplied."""

    def times(rate: Rate) -> Rate:
        return replace(rate, unit_price=rate.unit_price * factor)

    return replace(
        model,
        offers=tuple(
            replace(o, cards=tuple(replace(c, rates=tuple(map(times, c.rates))) for c in o.cards)) for o in model.offers
        ),
    )


@pytest.fixture(scope="module")
def gpt() -> PricedModel:
    return next(m for m in catalogue.compiled() if (m.provider, m.model) == ("openai", "gpt-4o-mini"))


def test_a_catalogue_is_taken_in_once(own_book: Book) -> None:
    before = own_book.execute("SELECT count(*), max(rate_card_id) FROM ledger.rate_cards").fetchall()
    assert pricing.refresh(own_book) == 0
    assert own_book.execute("SELECT count(*), max(rate_card_id) FROM ledger.rate_cards").fetchall() == before


def test_every_card_says_where_it_comes_from(own_book: Book) -> None:
    query = """
        SELECT count(*) FROM ledger.rate_cards
        WHERE source <> 'genai-prices' OR version <> ? OR length(digest) <> 32 OR recorded_at IS NULL OR url NOT LIKE 'https://%'
    """
    assert own_book.execute(query, [installed.version()]).fetchall() == [(0,)]


def test_cards_of_an_offer_never_overlap_and_the_standard_one_has_no_gap(own_book: Book) -> None:
    overlaps = """
        SELECT count(*)
        FROM ledger.rate_cards AS one
        JOIN ledger.rate_cards AS two ON two.offer_id = one.offer_id AND two.rate_card_id > one.rate_card_id
        WHERE coalesce(one.valid_from, '-infinity') < coalesce(two.valid_to, 'infinity')
            AND coalesce(two.valid_from, '-infinity') < coalesce(one.valid_to, 'infinity')
            AND one.day_from_s < two.day_to_s AND two.day_from_s < one.day_to_s
            AND coalesce(one.input_over, -1) < coalesce(two.input_up_to, 1e12)
            AND coalesce(two.input_over, -1) < coalesce(one.input_up_to, 1e12)
    """
    assert own_book.execute(overlaps).fetchall() == [(0,)]
    moments = "SELECT unnest([valid_from, valid_to - INTERVAL 1 SECOND]) AS moment FROM ledger.rate_cards"
    inputs = "SELECT unnest([input_over, input_up_to, 0]) AS total FROM ledger.rate_cards"
    gaps = f"""
        SELECT count(*)
        FROM (SELECT DISTINCT offer_id FROM ledger.rate_cards WHERE conditions = '') AS offers
        CROSS JOIN (SELECT DISTINCT moment FROM ({moments}) WHERE moment IS NOT NULL) AS moments
        CROSS JOIN (SELECT DISTINCT total FROM ({inputs}) WHERE total IS NOT NULL) AS inputs
        ANTI JOIN ledger.rate_cards AS cards ON cards.offer_id = offers.offer_id
            AND coalesce(valid_from, '-infinity') <= moment AND moment < coalesce(valid_to, 'infinity')
            AND coalesce(input_over, -1) < total AND total <= coalesce(input_up_to, 1e12)
    """
    assert own_book.execute(gaps).fetchall() == [(0,)]


def test_a_newer_catalogue_adds_what_changed_and_prices_new_calls(
    own_book: Book, monkeypatch: pytest.MonkeyPatch, gpt: PricedModel
) -> None:
    old = price_one(own_book, usage=USAGE)
    unchanged = [model for model in catalogue.compiled() if model.provider == "anthropic"]
    cards = own_book.execute("SELECT * FROM ledger.rate_cards ORDER BY ALL").fetchall()
    assert take_in(own_book, monkeypatch, "99.0", [dearer(gpt), *unchanged]) == 1
    new = price_one(own_book, usage=USAGE)
    assert (old["list_cost"], new["list_cost"]) == (Decimal("0.15"), Decimal("0.30"))
    assert new["rate_card_id"] > old["rate_card_id"]
    kept = "SELECT * FROM ledger.rate_cards WHERE edition = 1 ORDER BY ALL"
    assert own_book.execute(kept).fetchall() == cards  # nothing that was known is overwritten
    assert [row["edition"] for row in dicts(own_book, "FROM ledger.catalogues")] == [1, 2]
    assert price_one(own_book, "claude-opus-5", "anthropic", usage=USAGE)["price_status"] == "priced"


def test_what_was_priced_keeps_its_card_and_its_charges(
    own_book: Book, monkeypatch: pytest.MonkeyPatch, gpt: PricedModel
) -> None:
    price_one(own_book, usage=USAGE)
    before = charges(own_book)
    take_in(own_book, monkeypatch, "99.0", [dearer(gpt)])
    assert dicts(own_book, "SELECT * FROM ledger.usage_lines('stored')") == before


def test_an_older_catalogue_changes_nothing(own_book: Book, monkeypatch: pytest.MonkeyPatch, gpt: PricedModel) -> None:
    assert take_in(own_book, monkeypatch, "0.0.1", [dearer(gpt)]) == 0
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.15")


def test_two_versions_that_take_turns_do_not_overwrite_each_other(
    own_book: Book, monkeypatch: pytest.MonkeyPatch, gpt: PricedModel
) -> None:
    assert take_in(own_book, monkeypatch, "99.0", [dearer(gpt)]) == 1
    monkeypatch.undo()
    assert pricing.refresh(own_book) == 0
    assert take_in(own_book, monkeypatch, "99.0", [dearer(gpt)]) == 0
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.30")


def test_a_price_that_comes_back_is_a_new_entry(
    own_book: Book, monkeypatch: pytest.MonkeyPatch, gpt: PricedModel
) -> None:
    take_in(own_book, monkeypatch, "99.0", [dearer(gpt)])
    assert take_in(own_book, monkeypatch, "99.1", [gpt]) == 1
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.15")


def test_a_catalogue_that_cannot_be_read_leaves_the_last_good_book(
    own_book: Book, monkeypatch: pytest.MonkeyPatch, gpt: PricedModel
) -> None:
    broken: Any = [dearer(gpt), None]
    with pytest.raises(AttributeError):
        take_in(own_book, monkeypatch, "99.0", broken)
    insert = "INSERT INTO ledger.rate_cards SELECT 1/0"
    monkeypatch.setattr(cards, "_INSERT", insert)
    with pytest.raises(duckdb.Error):
        take_in(own_book, monkeypatch, "99.0", [dearer(gpt)])
    assert own_book.execute("SELECT count(*) FROM ledger.catalogues").fetchall() == [(1,)]
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.15")


def test_a_catalogue_is_taken_in_inside_the_callers_transaction() -> None:
    con = empty_book()
    con.begin()
    assert pricing.refresh(con) > 1_000
    con.rollback()
    assert con.execute("SELECT count(*) FROM ledger.rate_cards").fetchall() == [(0,)]


def test_whatever_a_match_depends_on_makes_another_digest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(installed._FOLDER, tmp_path / "pricing", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(installed, "_FOLDER", tmp_path / "pricing")
    found = [installed.digest.__wrapped__()]
    assert found == [installed.digest()]
    for name in installed._MATCHING:
        with (tmp_path / "pricing" / name).open("a") as file:
            file.write("# learnt something\n")
        found.append(installed.digest.__wrapped__())
    monkeypatch.setattr(installed, "PROVIDERS", (*names.PROVIDERS, "another"))
    found.append(installed.digest.__wrapped__())
    assert len(set(found)) == len(installed._MATCHING) + 2


def test_a_match_is_asked_anew_when_meter_has_learnt_something(own_book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    def price_status() -> object:
        return price_one(own_book, provider="my-openai", usage=USAGE)["price_status"]

    assert price_status() == "unpriced"
    monkeypatch.setitem(names._BY_ANY_NAME, "my-openai", "openai")
    matching.match.cache_clear()
    assert price_status() == "unpriced"  # what was asked once is remembered
    monkeypatch.setattr(installed, "digest", lambda: "of a Meter that knows it")
    assert pricing.refresh(own_book) == 0
    assert price_status() == "priced"
    matching.match.cache_clear()


def test_a_catalogue_half_taken_in_is_ended_by_the_next_refresh(own_book: Book) -> None:
    own_book.execute("DELETE FROM ledger.catalogues")
    assert pricing.refresh(own_book) == 0
    assert own_book.execute("SELECT edition FROM ledger.catalogues").fetchall() == [(2,)]
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.15")


def test_an_empty_book_prices_nothing_and_breaks_nothing() -> None:
    con = empty_book()
    rows = price_calls(con, [call(usage=USAGE), call(), call(reported_cost="0.5")])
    assert [row["price_status"] for row in rows] == ["unpriced", "no_usage", "reported"]


def test_a_batch_with_nothing_new_never_loads_the_catalogue(own_book: Book, tmp_path: Path) -> None:
    price_one(own_book, usage=USAGE)
    own_book.execute("CREATE TABLE ledger.sample AS FROM fresh")
    own_book.close()
    code = f"""
import sys, duckdb
from meter import pricing
con = duckdb.connect({str(tmp_path / "book.duckdb")!r})
con.execute("SET TimeZone = 'UTC'")
assert pricing.refresh(con) == 0
con.execute("CREATE TEMP TABLE fresh AS FROM ledger.sample")
pricing.price(con)
assert con.execute("SELECT list_cost FROM priced").fetchall()[0][0] > 0
assert not [name for name in sys.modules if name.startswith("genai_prices")], "the catalogue was loaded"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
