"""What could not be priced is asked about again whenever the price book says something new."""

from __future__ import annotations

from meter.ledger import Ledger, ingest
from meter.pricing import following
from meter.pricing.relatives import nearest
from tests.ledger.records import TS, call, rows, segment
from tests.pricing import files


def test_relatives_are_asked_anew_when_the_price_book_changes_and_for_calls_from_before(ledger: Ledger) -> None:
    segment(ledger.home, call(TS, usage={"input": 5}, request_model="gpt4o-mini", response_model=None))
    ingest(ledger)
    assert rows(ledger, "SELECT likely_alias FROM unpriced") == [("gpt-4o-mini",)]
    with ledger.writing() as con:
        con.execute("DELETE FROM ledger.relatives")  # as a ledger has it that is older than this table
        con.execute(
            "INSERT INTO ledger.catalogues BY NAME"
            " SELECT * REPLACE (edition + 1 AS edition, 'a test' AS source, 'x' AS digest) FROM ledger.catalogues"
        )
    assert rows(ledger, "SELECT likely_alias, bound_high, reason FROM unpriced") == [
        (None, None, "gpt4o-mini has no price for: input")
    ]
    segment(ledger.home, call(TS + 1, usage={"input": 5}, request_model="another-one", response_model=None))
    ingest(ledger)
    assert sorted(rows(ledger, "SELECT model, likely_alias FROM unpriced")) == [
        ("another-one", None),
        ("gpt4o-mini", "gpt-4o-mini"),
    ]
    assert rows(ledger, "SELECT DISTINCT book FROM ledger.relatives") == rows(
        ledger, "SELECT max(edition)::VARCHAR FROM ledger.catalogues"
    )


def test_relatives_are_those_of_the_catalogue_in_force_and_no_older_one_is_remembered() -> None:
    def found() -> list[str]:
        return [relative["model"] for relative in nearest("openai", ("gpt-4o-maxi-turbo",))]

    before = found()
    small = files.text(files.small())
    try:
        following.hold(following.Text("small", small))
        assert found() != before
        assert set(found()) <= {"gpt-4o", "gpt-4o-mini", "o3"}
    finally:
        following.hold(None)
    assert found() == before


def test_of_relatives_that_are_equally_near_the_one_without_a_date_comes_first() -> None:
    assert [relative["model"] for relative in nearest("openai", ("gpt-4o-minni",))][:2] == [
        "gpt-4o",
        "gpt-4o-2024-05-13",
    ]
