"""Tag sets: one row for each distinct set, whatever the order of its keys, and never two sets under one id."""

from __future__ import annotations

import hashlib
import json

import pytest

from meter.ledger import Ledger, ingest, tagsets
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
    assert rows(ledger, "SELECT tag_set_id, hash, canonical, tags FROM ledger.tag_sets") == [
        (1, hashed(canonical), canonical, {"area": 'é"\n', "team": "search"})
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


def test_a_set_that_hashes_like_another_is_another(ledger: Ledger) -> None:
    taken = "INSERT INTO ledger.tag_sets VALUES (41, ?, 'one that hashes alike', MAP {'team': 'early'})"
    with ledger.writing() as con:
        con.execute(taken, [hashed('{"team":"late"}')])
    for _ in range(2):
        segment(ledger.home, call(tags={"team": "late"}), call(tags={"team": "later"}))
        ingest(ledger)
    assert rows(ledger, "SELECT tag_set_id, canonical FROM ledger.tag_sets ORDER BY tag_set_id") == [
        (41, "one that hashes alike"),
        (42, '{"team":"late"}'),
        (43, '{"team":"later"}'),
    ]
    assert rows(ledger, "SELECT tags['team'] AS team, count(*) FROM calls GROUP BY team ORDER BY team") == [
        ("late", 2),
        ("later", 2),
    ]


def test_sets_of_one_batch_that_hash_alike_get_a_number_each(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    one_hash_for_all = tagsets._WANTED.replace("('0x' || left(md5(canonical), 16))::UBIGINT", "7::UBIGINT")
    assert one_hash_for_all != tagsets._WANTED
    monkeypatch.setattr(tagsets, "_WANTED", one_hash_for_all)
    segment(ledger.home, *(call(tags={"team": name}) for name in "abca"))
    ingest(ledger)
    assert rows(ledger, "SELECT tags['team'] AS team, count(*) FROM calls GROUP BY team ORDER BY team") == [
        ("a", 2),
        ("b", 1),
        ("c", 1),
    ]
