"""Lines that cannot be read: kept with place and reason, and never the end of their batch."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from meter import event
from meter.ledger import Ledger, incoming, ingest
from meter.ledger.letters import EXCERPT_BYTES, Line
from tests.ledger.records import TS, call, counts, framed, outcome, rows, segment, value


def line(**fields: Any) -> bytes:
    """Return a call's line with some fields changed to what no writer of ours would write."""
    return json.dumps({**json.loads(call()), **fields}).encode()


def usage(counts: str) -> bytes:
    """Return a call's line whose usage is this text."""
    return line(usage=None).replace(b'"usage": null', f'"usage": {counts}'.encode())


CORRUPT: dict[str, bytes | tuple[bytes, str]] = {
    "a torn line": call()[:60],
    "two torn lines in one": call()[:60] + call()[20:],
    "two records in one line": call() + call(),
    "something after the record": call() + b" x",
    "no object": b"[1, 2]",
    "a number": b"5",
    "a text": b'"call"',
    "null": (b"null", "schema version missing is not 1"),
    "no JSON": b"hello",
    "a byte-order mark": b"\xef\xbb\xbf" + call(),
    "invalid UTF-8": call()[:-2] + b',"error":"\xff\xfe"}',
    "half a surrogate": call()[:-1] + rb',"error":"\ud800"}',
    "zeros": b"\0" * 40,
    "zeros after the record": call() + b"\0\0",
    "a control character": call().replace(b"openai", b"open\x01ai", 1),
    "a count of 10^18": (line(usage={"input": 10**18}), "out of range"),
    "a count of 10^17": (line(usage={"input": 10**17}), "out of range"),
    "a count just too large": (line(usage={"input": 10**10 + 1}), "usage.input = 10000000001 is out of range"),
    "a count of 10^400": usage(f'{{"input": {10**400}}}'),
    "a count below 0": (line(usage={"output": -1}), "usage.output = -1 is out of range"),
    "a count that is no number": line(usage={"input": "many"}),
    "a count that is an object": line(usage={"input": {"text": 5}}),
    "a count that is null": (line(usage={"input": None}), "got `null`"),
    "a count that is NaN": usage('{"input": NaN}'),
    "usage that is a list": line(usage=[1, 2]),
    "a class twice": usage('{"input": 1, "input": 2}'),
    "a time before 1970": (line(ts=-1), "ts = -1 is out of range"),
    "a time beyond the year 9999": (line(ts=2**62), f"ts = {2**62} is out of range"),
    "a time beyond any": line(ts=10**30),
    "a time that is text": line(ts="yesterday"),
    "no time": (line(ts=None), "the time is missing"),
    "no id": (line(id=None), "the id is missing or not 128 bits in hex"),
    "an id that is no hex": (line(id="01ARZ3NDEKTSV4RRFFQ69G5FAV"), "the id is missing or not 128 bits in hex"),
    "a process id beyond 64 bits": (line(pid=2**63), f"pid = {2**63} is out of range"),
    "a duration below 64 bits": (line(dur=-(2**63) - 1), f"dur = {-(2**63) - 1} is out of range"),
    "a field twice": (call()[:-1] + b',"provider":"x"}', "the field provider stands there twice"),
    "invalid UTF-8 where nobody looks": (call()[:-1] + b',"zz":"\xff"}', "can't decode byte 0xff"),
    "a schema version that is not whole": (line(v=1.4), "schema version 1.4 is not 1"),
    "an unknown schema version": (line(v=2), "schema version 2 is newer than 1: upgrade spendmeter"),
    "no schema version": (line(v=None), "schema version missing is not 1"),
    "an unknown kind": (line(kind="refund"), "unknown kind refund"),
    "no kind": (line(kind=None), "unknown kind missing"),
    "tags that are a list": (line(tags=["search"]), "the tags are not an object whose keys differ"),
    "tags that are a text": (line(tags="search"), "the tags are not an object whose keys differ"),
    "a tag twice": (call()[:-1] + b',"context":{"a":"1","a":"2"}}', "the context is not an object whose keys differ"),
    "a process id beyond any": line(pid=10**30),
    "an outcome without a name": (outcome().replace(b'"name":', b'"other":'), "an outcome without a name"),
    "an outcome's value that is no amount": (outcome(value="four"), "value is no amount: four"),
    "an outcome's quantity that is no number": (outcome(quantity="1e99"), "quantity is no number: 1e99"),
}


@pytest.mark.parametrize("name", CORRUPT)
def test_a_line_that_cannot_be_read_is_kept_with_its_place_and_its_neighbours_are_read(
    ledger: Ledger, name: str
) -> None:
    case = CORRUPT[name]
    bad, reason = case if isinstance(case, tuple) else (case, "")
    first = call()
    path = segment(ledger.home, first, bad, call())
    done = ingest(ledger)
    assert (done.lines, done.calls, done.dead_letters, done.segments) == (3, 2, 1, 1)
    (letter,) = rows(ledger, "SELECT segment, position, size, excerpt, reason FROM ledger.dead_letters")
    assert letter[:4] == (path.stem, len(framed([first])) + 1, len(bad), bad[:EXCERPT_BYTES])
    assert reason in letter[4]
    assert letter[4]
    assert value(ledger, "SELECT count(effective_cost) FROM calls") == 2


ODD: dict[str, bytes] = {
    "tags of odd types": line(tags={"a": 1, "b": True, "c": [1], "d": {"e": None}, "f": "text"}),
    "a tag that is null": line(tags={"a": None, "b": "c"}),
    "a megabyte of tag": line(tags={"a": "x" * (1 << 20)}),
    "null bytes": line(error="a\0b", tags={"k\0": "v\0"}, raw={"a\0": "\0"}, usage={"input": 1, "odd\0class": 2}),
    "deep nesting": call()[:-1] + b',"raw":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep nesting of what nobody reads": call()[:-1] + b',"other":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "fields of a newer writer": line(novelty={"a": [1, 2]}),
    "huge numbers in what is kept verbatim": call()[:-1] + b',"raw":{"a":' + b"9" * 400 + b"}}",
    "white space before and after": b" \t" + call() + b" \r",
    "usage that is null": line(usage=None),
    "usage without a class": line(usage={}),
    "a trace that is no hex": line(trace="xyz", span="-", parent="nobody"),
    "a cost that is no amount": line(reported_cost="cheap"),
    "a process id as text": line(pid="7"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_line_that_is_only_odd_is_read_whatever_stands_beside_it(ledger: Ledger, name: str) -> None:
    segment(ledger.home, call(), ODD[name])
    assert ingest(ledger).calls == 2
    again = re.sub(rb'"id": ?"[0-9a-f]{32}"', b'"id":"%s"' % event.new_id(TS).encode(), ODD[name], count=1)
    segment(ledger.home, call(), again, b"{torn")
    done = ingest(ledger)
    assert (done.calls, done.dead_letters) == (2, 1)


@pytest.mark.parametrize("blank", [b"", b" ", b"\t \r", b"\r"])
def test_a_line_of_white_space_is_blank(ledger: Ledger, blank: bytes) -> None:
    segment(ledger.home, call(), blank, blank, call())
    done = ingest(ledger)
    assert (done.lines, done.calls, done.dead_letters) == (2, 2, 0)


def test_lines_without_blank_lines_between_them_are_read(ledger: Ledger) -> None:
    path = segment(ledger.home)
    path.write_bytes(call() + b"\n" + call() + b"\n{torn\n" + call() + b"\n")
    done = ingest(ledger)
    assert (done.lines, done.calls, done.dead_letters) == (4, 3, 1)


def test_a_count_beyond_belief_between_two_calls_costs_neither(ledger: Ledger) -> None:
    segment(ledger.home, call(), line(usage={"input": 10**18}), call())
    ingest(ledger)
    assert counts(ledger) == {"calls": 2, "outcomes": 0, "processes": 0, "dead_letters": 1}


def test_garbage_in_bulk_is_kept_without_asking_twice_about_each_line(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "SECOND_LOOKS", 2)
    path = segment(ledger.home, call(), *(b"garbage %d" % n for n in range(50)), call())
    done = ingest(ledger)
    assert (done.lines, done.calls, done.dead_letters) == (52, 2, 50)
    positions = [position for (position,) in rows(ledger, "SELECT position FROM ledger.dead_letters ORDER BY position")]
    assert len(set(positions)) == 50
    assert not path.exists()


def test_a_whole_batch_of_garbage_is_all_dead_letters(ledger: Ledger) -> None:
    segment(ledger.home, b"{", b"}", b"x")
    done = ingest(ledger)
    assert (done.lines, done.calls, done.dead_letters) == (3, 0, 3)


def test_letters_of_one_batch_name_their_own_segments(ledger: Ledger) -> None:
    paths = {segment(ledger.home, *([call()] * n), b"bad %d" % n).stem: n for n in range(1, 4)}
    assert ingest(ledger).dead_letters == 3
    found = rows(ledger, "SELECT segment, excerpt FROM ledger.dead_letters")
    assert {name: int(excerpt.removeprefix(b"bad ")) for name, excerpt in found} == paths


def test_a_vertical_tab_is_no_white_space_in_json(ledger: Ledger) -> None:
    segment(ledger.home, call(), b"\x0b", call())
    done = ingest(ledger)
    assert (done.lines, done.calls, done.dead_letters) == (3, 2, 1)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (2, "one line gave 2 rows"),
        ("Invalid Input Error: in file \"x\", in line 1: Odd thing. Try auto_detect", "Odd thing."),
        ("Something\n  else", "Something\n  else"),
    ],
)  # fmt: skip
def test_what_duckdb_says_is_shortened(told: int | str, reason: str) -> None:
    assert incoming._reason(told) == reason


def looks_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many lines each look of DuckDB has."""
    really, looks = incoming._rows_of, list[int]()

    def noted(con: Any, lines: list[Line]) -> int | str:
        looks.append(len(lines))
        return really(con, lines)

    monkeypatch.setattr(incoming, "_rows_of", noted)
    return looks


@pytest.mark.parametrize("bad", [b',"pid":%d}' % 2**63, b',"provider":"x"}', b',"zz":"\xff"}'])
def test_a_thousand_lines_that_only_duckdb_refuses_are_found_in_a_few_looks(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, bad: bytes
) -> None:
    looks = looks_at(monkeypatch)
    segment(ledger.home, *(one for _ in range(1000) for one in (call(), call()[:-1] + bad)))
    done = ingest(ledger)
    assert (done.calls, done.dead_letters) == (1000, 1000)
    assert len(looks) < 3 * incoming.SECOND_LOOKS


def test_lines_that_are_not_told_apart_in_so_many_looks_are_kept_whole(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "_passed_over", lambda _: None)
    monkeypatch.setattr(incoming, "LOOKS", 20)
    looks = looks_at(monkeypatch)
    long = [call(raw={"text": "y" * 1000}) for _ in range(40)]
    lines = [one for good in long for one in (good, good[:-1] + b',"provider":"x"}')]
    lines.append(call())
    segment(ledger.home, *lines)
    done = ingest(ledger)
    assert done.calls >= 1
    assert done.calls + done.dead_letters == 81
    assert len(looks) < 60
    whole = rows(ledger, "SELECT excerpt FROM ledger.dead_letters WHERE reason LIKE 'one of % lines %, kept whole: %'")
    assert whole
    assert {excerpt for (excerpt,) in whole} <= set(lines)
