"""Tag sets: one row for each distinct set, whatever the order of its keys, and never two sets under one id."""

from __future__ import annotations

import hashlib
import json

import pytest

from meter.ledger import Ledger, ingest
from tests.ledger.records import call, outcome, rows, segment, value


def hashed(canonical: str) -> int:
    """Return the id that a set has by its canonical text."""
    return int(hashlib.md5(canonical.encode(), usedforsecurity=False).hexdigest()[:16], 16)


def test_a_set_is_stored_once_whatever_the_order_of_its_keys(ledger: Ledger) -> None:
    one, other = call(tags={"team": "search", "area": 'é"\n'}), call(tags={"area": 'é"\n', "team": "search"})
    segment(ledger.home, one, other, outcome(tags={"area": 'é"\n', "team": "search"}))
    ingest(ledger)
    segment(ledger.home, call(tags={"team": "search", "area": 'é"\n'}))
    ingest(ledger)
    canonical = json.dumps({"area": 'é"\n', "team": "search"}, ensure_ascii=False, separators=(",", ":"))
    assert rows(ledger, "SELECT tag_set_id, canonical, tags, probe FROM ledger.tag_sets") == [
        (hashed(canonical), canonical, {"area": 'é"\n', "team": "search"}, 0)
    ]
    assert value(ledger, "SELECT count(*) FROM calls WHERE tags['team'] = 'search'") == 3


def test_keys_are_sorted_by_code_point(ledger: Ledger) -> None:
    segment(ledger.home, call(tags={"b": "1", "ä": "2", "B": "3", "a": "4", "😀": "5", "～": "6"}))
    ingest(ledger)
    ((tags,),) = rows(ledger, "SELECT tags FROM calls")
    assert list(tags) == sorted(tags)


@pytest.mark.parametrize("tags", [None, {}, {"gone": None}])
def test_no_tags_are_no_set(ledger: Ledger, tags: dict[str, str] | None) -> None:
    segment(ledger.home, call(tags=tags), call(tags={"team": "a"}))
    ingest(ledger)
    assert value(ledger, "SELECT count(*) FROM ledger.tag_sets") == 1
    assert value(ledger, "SELECT count(*) FROM calls WHERE tags IS NULL") == 1


def test_a_set_whose_id_is_taken_by_another_gets_the_next_free_one(ledger: Ledger) -> None:
    canonical = '{"team":"late"}'
    id_ = hashed(canonical)
    taken = "INSERT INTO ledger.tag_sets VALUES (?, MAP {'team': 'early'}, ?, 0)"
    with ledger.writing() as con:
        con.execute(taken, [id_, "one that hashes alike"])
        con.execute(taken, [(id_ + 1) % 2**64, "and its neighbour"])
    for _ in range(2):
        segment(ledger.home, call(tags={"team": "late"}))
        ingest(ledger)
    assert rows(ledger, 'SELECT tag_set_id, probe FROM ledger.tag_sets WHERE canonical = \'{"team":"late"}\'') == [
        ((id_ + 2) % 2**64, 2)
    ]
    assert value(ledger, "SELECT count(*) FROM calls WHERE tags['team'] = 'late'") == 2


def test_two_sets_of_one_batch_that_hash_alike_get_an_id_each(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    from meter.ledger import tagsets

    every_hash_is_the_last = tagsets._WANTED.replace(
        "('0x' || left(md5(canonical), 16))::UBIGINT", f"{2**64 - 1}::UBIGINT"
    )
    assert every_hash_is_the_last != tagsets._WANTED
    monkeypatch.setattr(tagsets, "_WANTED", every_hash_is_the_last)
    segment(ledger.home, *(call(tags={"team": name}) for name in "abca"))
    ingest(ledger)
    assert rows(ledger, "SELECT tag_set_id, canonical, probe FROM ledger.tag_sets ORDER BY probe") == [
        (2**64 - 1, '{"team":"a"}', 0),
        (0, '{"team":"b"}', 1),
        (1, '{"team":"c"}', 2),
    ]
    assert rows(ledger, "SELECT tags['team'] AS team, count(*) FROM calls GROUP BY team ORDER BY team") == [
        ("a", 2),
        ("b", 1),
        ("c", 1),
    ]
