"""What could not be priced is asked about again whenever the price book says something new."""

from __future__ import annotations

from meter.ledger import Ledger, ingest
from tests.ledger.records import TS, call, rows, segment


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
