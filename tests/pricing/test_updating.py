"""A catalogue from elsewhere is taken in beside what is known, matched by from then on, and refused when it is worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meter import pricing
from meter.errors import CatalogueInvalid
from meter.ledger.transaction import transaction
from meter.pricing import book, difference, following, installed, matching, reading, updating
from meter.pricing.following import Text
from tests.pricing import files
from tests.pricing.batches import charges, dicts, open_book, price_one
from tests.pricing.files import Raw

USAGE = {"input": 1_000_000}
Book = duckdb.DuckDBPyConnection


@pytest.fixture(autouse=True)
def installed_again() -> Iterator[None]:
    """What one test's ledger follows is not the next one's."""
    yield
    following.hold(None)


def text(raw: Raw, origin: str = "data.json") -> Text:
    return reading.text(files.text(raw).encode(), origin)


def take(con: Book, raw: Raw, **more: Any) -> None:
    with transaction(con):
        updating.take_text(con, text(raw), **more)


def refusal(con: Book, raw: Raw, **more: Any) -> CatalogueInvalid:
    """Return the error; nothing in the price book may have changed."""
    before = everything(con)
    with pytest.raises(CatalogueInvalid) as refused:
        take(con, raw, **more)
    assert everything(con) == before
    assert refused.value.hint
    return refused.value


def everything(con: Book) -> list[list[tuple[Any, ...]]]:
    tables = ("catalogues", "catalogue_texts", "rate_cards", "withdrawals", "model_matches")
    return [con.execute(f"FROM ledger.{table} ORDER BY ALL").fetchall() for table in tables]


def input_price(price: float, name: str = "openai/gpt-4o-mini") -> Callable[[Raw], None]:
    return lambda raw: files.model(raw, name)["prices"].update(input_mtok=price)


def without(*names: str) -> Callable[[Raw], None]:
    def change(raw: Raw) -> None:
        for name in names:
            provider = next(known for known in raw if known["id"] == name.partition("/")[0])
            provider["models"].remove(files.model(raw, name))

    return change


def with_new_model(raw: Raw) -> None:
    model = files.model(raw)
    new = model | {"id": "gpt-99", "match": {"equals": "gpt-99"}, "prices": {"input_mtok": 99, "output_mtok": 990}}
    next(known for known in raw if known["id"] == "openai")["models"].append(new)


def changes(con: Book, before: int = 1) -> list[tuple[Any, ...]]:
    found = difference.difference(con, before, book.edition(con)).changes
    return [(c.change, c.model, c.usage_class, c.old_price, c.new_price, c.percent, c.valid_from) for c in found]


def upgrade(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(installed, "digest", lambda: f"digest of {version}")
    monkeypatch.setattr(installed, "version", lambda: version)


def test_a_text_prices_new_calls_and_leaves_all_that_was_known(own_book: Book) -> None:
    old = price_one(own_book, usage=USAGE)
    old_charges = charges(own_book)
    cards = own_book.execute("FROM ledger.rate_cards ORDER BY ALL").fetchall()
    take(own_book, files.changed(input_price(0.3)))
    kept = own_book.execute("FROM ledger.rate_cards WHERE edition = 1 ORDER BY ALL").fetchall()
    assert kept == cards  # to the last byte
    assert dicts(own_book, "SELECT * FROM ledger.usage_lines('stored')") == old_charges
    new = price_one(own_book, usage=USAGE)
    assert (old["list_cost"], new["list_cost"]) == (Decimal("0.15"), Decimal("0.3"))
    assert own_book.execute("SELECT count(*) FROM ledger.rate_cards WHERE edition = 2").fetchall() == [(4,)]


def test_the_difference_says_what_from_when_and_by_how_much(own_book: Book) -> None:
    take(own_book, files.changed(input_price(0.2)))
    change = ("changed", "gpt-4o-mini", "input", Decimal("0.15e-6"), Decimal("0.2e-6"), Decimal("33.333333"), None)
    assert changes(own_book)[:1] == [change]
    found = difference.difference(own_book, 1, 2)
    assert found.models == {"changed": 1}
    assert {row.conditions for row in found.changes} == {"standard"}
    assert not difference.difference(own_book, 2, 2)


def test_a_price_that_changes_on_a_day_differs_from_that_day_on(own_book: Book) -> None:
    def dated(raw: Raw) -> None:
        model = files.model(raw)
        later = {"constraint": {"start_date": "2027-03-01"}, "prices": {**model["prices"], "output_mtok": 0.3}}
        model["prices"] = [{"prices": model["prices"]}, later]

    take(own_book, files.changed(dated))
    ((change, _, usage_class, old, new, percent, valid_from),) = changes(own_book)
    assert (change, usage_class, old, new) == ("changed", "output", Decimal("0.6e-6"), Decimal("0.3e-6"))
    assert percent == -50
    assert f"{valid_from:%Y-%m-%d}" == "2027-03-01"


def test_a_tier_that_is_new_differs_above_its_start(own_book: Book) -> None:
    def tiered(raw: Raw) -> None:
        files.model(raw)["prices"]["output_mtok"] = {"base": 0.6, "tiers": [{"start": 9000, "price": 1.2}]}

    take(own_book, files.changed(tiered))
    (found,) = difference.difference(own_book, 1, 2).changes
    assert (found.usage_class, found.input_over, found.percent) == ("output", 9000, Decimal(100))


def test_a_price_by_the_hour_differs_from_that_hour_on(own_book: Book) -> None:
    def by_night(raw: Raw) -> None:
        model = files.model(raw)
        night = {"start_time": "16:30:00", "end_time": "00:30:00"}
        dark = {"constraint": night, "prices": {**model["prices"], "input_mtok": 0.05}}
        model["prices"] = [{"prices": model["prices"]}, dark]

    take(own_book, files.changed(by_night))
    found = difference.difference(own_book, 1, 2).changes
    assert {(c.usage_class, c.day_from_s, c.new_price) for c in found} == {
        ("input", None, Decimal("0.05e-6")),
        ("input", 59_400, Decimal("0.05e-6")),
    }


def test_a_price_that_comes_back_after_a_while_differs_only_meanwhile(own_book: Book) -> None:
    def for_march(raw: Raw) -> None:
        model = files.model(raw)
        usual, dear = model["prices"], {**model["prices"], "input_mtok": 0.6}
        model["prices"] = [{"prices": usual}] + [
            {"constraint": {"start_date": day}, "prices": prices}
            for day, prices in (("2027-03-01", dear), ("2027-04-01", usual))
        ]

    take(own_book, files.changed(for_march))
    (found,) = difference.difference(own_book, 1, 2).changes
    assert (found.percent, f"{found.valid_from:%Y-%m-%d}") == (Decimal(300), "2027-03-01")


def test_models_that_come_and_go_are_told_and_not_forgotten(own_book: Book) -> None:
    def swap(raw: Raw) -> None:
        with_new_model(raw)
        without("openai/gpt-4o-mini")(raw)

    take(own_book, files.changed(swap))
    found = difference.difference(own_book, 1, 2)
    assert found.models == {"added": 1, "removed": 1}
    assert {(c.change, c.new_price is None, c.old_price is None) for c in found.changes} == {
        ("added", False, True),
        ("removed", True, False),
    }
    assert all(c.percent is None for c in found.changes)
    listed = [{price.model for price in book.prices(own_book, provider="openai", model="gpt-*")}]
    assert "gpt-99" in listed[0]
    assert "gpt-4o-mini" not in listed[0]
    assert price_one(own_book, "gpt-99", usage=USAGE)["list_cost"] == 99
    assert price_one(own_book, "gpt-4o-mini-2024-07-18", usage=USAGE)["price_status"] == "unpriced"
    take(own_book, files.changed(with_new_model))
    assert difference.difference(own_book, 2, 3).models == {"added": 1}
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.15")


def test_what_we_knew_when_stays_askable(own_book: Book) -> None:
    take(own_book, files.changed(input_price(0.3)))
    own_book.execute("UPDATE ledger.catalogues SET recorded_at = '2026-01-01' WHERE edition = 1")
    own_book.execute("UPDATE ledger.catalogues SET recorded_at = '2026-02-01' WHERE edition = 2")
    ((before, then, after),) = own_book.execute(
        "SELECT '2025-12-31'::TIMESTAMPTZ, '2026-01-31'::TIMESTAMPTZ, '2026-02-01'::TIMESTAMPTZ"
    ).fetchall()
    sought: Any = {"provider": "openai", "model": "gpt-4o-mini"}
    for moment, expected in ((then, "0.15e-6"), (after, "0.3e-6"), (None, "0.3e-6")):
        known = [p for p in book.prices(own_book, known_at=moment, **sought) if p.usage_class == "input"]
        assert [p.unit_price for p in known if p.conditions == "standard"] == [Decimal(expected)]
    assert not list(book.prices(own_book, known_at=before, **sought))


def test_where_a_price_comes_from_stands_beside_it(own_book: Book) -> None:
    take(own_book, files.changed(input_price(0.3)), version="99.0")
    found = {p.version: p for p in book.prices(own_book, provider="openai", model="gpt-4*")}
    assert set(found) == {"99.0", installed.version()}
    assert found["99.0"].origin == "data.json"
    assert found[installed.version()].origin is None
    assert all(p.source == "genai-prices" and len(p.digest) == 32 and p.url for p in found.values())
    assert book.catalogues(own_book)[1].origin == "data.json"


def test_a_later_process_matches_by_the_text_in_the_ledger(own_book: Book, tmp_path: Path) -> None:
    take(own_book, files.changed(with_new_model))
    own_book.close()
    following.hold(None)  # as in a process that was just started
    con = open_book(str(tmp_path / "book.duckdb"))
    assert pricing.refresh(con) == 0
    assert price_one(con, "gpt-99", usage=USAGE)["list_cost"] == 99
    con.close()


def test_each_ledger_is_matched_by_its_own_catalogue(own_book: Book, book_file: Path, tmp_path: Path) -> None:
    take(own_book, files.changed(with_new_model))
    assert matching.match("openai", None, "gpt-99", None).price_model == "gpt-99"
    (tmp_path / "another").write_bytes(book_file.read_bytes())
    another = open_book(str(tmp_path / "another"))
    pricing.refresh(another)
    assert matching.match("openai", None, "gpt-99", None).price_model is None
    another.close()


def test_the_text_is_kept_compressed(own_book: Book) -> None:
    raw = files.changed(input_price(0.3))
    take(own_book, raw)
    own_book.execute("CHECKPOINT")
    ((content,),) = own_book.execute("SELECT content FROM ledger.catalogue_texts").fetchall()
    assert content == files.text(raw)
    kinds = """
        SELECT DISTINCT compression
        FROM pragma_storage_info('ledger.catalogue_texts')
        WHERE segment_type = 'VARCHAR' AND column_name = 'content'
    """
    assert own_book.execute(kinds).fetchall() == [("ZSTD",)]


def test_the_same_text_again_is_nothing_new(own_book: Book) -> None:
    raw = files.changed(input_price(0.3))
    take(own_book, raw)
    before = everything(own_book)
    take(own_book, raw)
    assert everything(own_book) == before


def test_a_later_package_wins_over_a_text_without_a_version(own_book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    take(own_book, files.changed(input_price(0.3)))
    assert pricing.refresh(own_book) == 0  # the package that was there before does not come back
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.3")
    upgrade(monkeypatch, "99.0")
    assert pricing.refresh(own_book) == 1
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.15")


def test_a_text_with_a_version_wins_over_packages_up_to_it(own_book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    take(own_book, files.changed(input_price(0.3)), version="98.5")
    for version, expected in (("98.4.9", "0.3"), ("98.5", "0.3"), ("98.5.1", "0.15")):
        with monkeypatch.context() as patch:
            upgrade(patch, version)
            pricing.refresh(own_book)
        assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal(expected), version


def test_a_package_of_the_same_version_does_not_displace_a_text(
    own_book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(own_book, files.changed(input_price(0.3)))
    monkeypatch.setattr(installed, "digest", lambda: "the same package, read by another Meter")
    assert pricing.refresh(own_book) == 0
    assert book.edition(own_book) == 2


def test_a_meter_that_reads_texts_otherwise_compiles_the_kept_one_anew(
    own_book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(own_book, files.changed(input_price(0.3)))
    monkeypatch.setattr(installed, "digest_with", lambda digest: f"another reading of {digest}")
    assert pricing.refresh(own_book) == 0  # it makes the same cards of it
    found = dicts(own_book, "FROM ledger.catalogues ORDER BY edition")
    assert [row["edition"] for row in found] == [1, 2, 3]
    assert (found[1]["origin"], found[1]["version"]) == (found[2]["origin"], found[2]["version"])
    assert own_book.execute("SELECT count(*) FROM ledger.catalogue_texts").fetchall() == [(1,)]
    assert pricing.refresh(own_book) == 0
    assert book.edition(own_book) == 3


def test_the_installed_catalogue_comes_back_only_by_force(own_book: Book) -> None:
    take(own_book, files.changed(input_price(0.3)))
    updating.take_package(own_book)
    assert book.edition(own_book) == 2
    updating.take_package(own_book, force=True)
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.15")
    updating.take_package(own_book, force=True)
    assert pricing.refresh(own_book) == 0
    assert book.edition(own_book) == 3


def test_a_text_that_was_taken_in_before_is_old(own_book: Book) -> None:
    first, second = (files.changed(input_price(price)) for price in (0.3, 0.4))
    take(own_book, first)
    take(own_book, second)
    assert "data.json is older than what is there: it was taken in on" in refusal(own_book, first).message
    take(own_book, first, force=True)
    assert price_one(own_book, usage=USAGE)["list_cost"] == Decimal("0.3")


def test_a_lower_version_is_old(own_book: Book) -> None:
    refused = refusal(own_book, files.changed(input_price(0.3)), version="0.0.9")
    assert f"version 0.0.9, and the price book has genai-prices {installed.version()}" in refused.message
    assert "--force" in str(refused.hint)


def test_a_text_that_lacks_models_and_recent_prices_seems_old(own_book: Book) -> None:
    latest = own_book.execute("SELECT max(valid_from) FROM ledger.rate_cards").fetchall()[0][0]

    def older(raw: Raw) -> None:
        without("openai/gpt-4o-mini")(raw)
        for provider in raw:
            for model in provider["models"]:
                model.pop("price_variants", None)
                if isinstance(model["prices"], list):
                    model["prices"] = model["prices"][0]["prices"]

    refused = refusal(own_book, files.changed(older))
    assert "seems older" in refused.message
    assert "lacks openai/gpt-4o-mini" in refused.message
    assert f"not {latest:%Y-%m-%d}" in refused.message


def test_a_text_that_loses_many_models_is_refused_unless_it_is_meant(own_book: Book) -> None:
    ((known,),) = own_book.execute("SELECT count(DISTINCT (provider, model)) FROM ledger.rate_cards").fetchall()
    raw = files.small()
    assert f"lacks {known - 3:,} of {known:,} known models" in refusal(own_book, raw).message
    take(own_book, raw, force=True)
    assert {price.model for price in book.prices(own_book)} == {"gpt-4o", "gpt-4o-mini", "o3"}


@pytest.mark.parametrize("force", [False, True])
def test_two_catalogues_of_one_version_that_disagree_are_refused(own_book: Book, force: bool) -> None:
    refused = refusal(own_book, files.changed(input_price(0.3)), version=installed.version(), force=force)
    assert f"disagrees with version {installed.version()} as recorded on" in refused.message
    assert refused.message.endswith("openai/gpt-4o-mini")
    take(own_book, files.installed(), version=installed.version())
    assert not difference.difference(own_book, 1, 2)
