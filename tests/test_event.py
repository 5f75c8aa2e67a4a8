"""The record's line: what is written can be read back, and nothing a service says can break the writing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meter import event
from meter.event import Call, Outcome, decode, encode

text = st.text(max_size=20)
counts = st.integers(0, event.MAX_COUNT)


@given(
    usage=st.dictionaries(text, counts, max_size=5),
    tags=st.dictionaries(text, text, max_size=5),
    model=st.none() | text,
    attempts=st.none() | st.integers(0, 100),
)
def test_a_call_comes_back_as_it_went(
    usage: dict[str, int | float], tags: dict[str, str], model: str | None, attempts: int | None
) -> None:
    call = Call(1, "0" * 32, 1, usage=usage, tags=tags, request_model=model, attempts=attempts)
    assert decode(encode(call)) == call


def test_what_is_unknown_is_absent_and_zero_is_written() -> None:
    line = json.loads(encode(Call(1, "0" * 32, 1, usage={"cache_read": 0})))
    assert line == {"kind": "call", "v": 1, "id": "0" * 32, "ts": 1, "usage": {"cache_read": 0}}


@pytest.mark.parametrize(
    "field",
    [
        {"request_model": "gpt\ud800"},
        {"usage": {"input": 10**30}},
        {"raw": {"odd": object()}},
        {"raw": {"nested": [{"deep": {1: ("a", None, 2.5, True)}}]}},
        {"tags": {"k\udfff": "v"}},
    ],
    ids=["lone surrogate", "number beyond 64 bits", "object of no JSON type", "keys of numbers", "surrogate in a key"],
)
def test_what_json_cannot_carry_is_mended_rather_than_lost(field: dict[str, Any]) -> None:
    line = encode(Call(1, "0" * 32, 1, **field))
    assert b"\n" not in line
    assert json.loads(line)["id"] == "0" * 32


def test_a_line_never_holds_a_newline() -> None:
    assert b"\n" not in encode(Call(1, "0" * 32, 1, request_model="a\nb\r\nc", tags={"x\n": "\n"}))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"kind":"call","v":2,"id":"a","ts":1}', "schema version 2"),
        (b'{"kind":"song","v":1,"id":"a","ts":1}', "song"),
        (b'{"kind":"call","v":1,"id":"a","ts":"now"}', "ts"),
        (b'{"kind":"call","v":1,"id":"a","ts":1,"usage":{"input":1000000000000000000}}', "out of range"),
        (b'{"kind":"call","v":1,"id":"a","ts":1,"usage":{"input":-1}}', "out of range"),
        (b'{"kind":"call","v":1,"id":"a"}', "ts"),
        (b'{"kind":"call","v":1,"id', "truncated"),
        (b"\x00\x00\x00", "JSON"),
        (b"\xff\xfe", "JSON|UTF"),
        (b"[]", "object"),
    ],
)
def test_a_line_that_cannot_be_trusted_says_why(line: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(line)


def test_the_largest_believable_count_is_read() -> None:
    line = encode(Call(1, "0" * 32, 1, usage={"input": event.MAX_COUNT}))
    assert decode(line).usage == {"input": 10**10}  # type: ignore[union-attr]


def test_a_field_of_a_later_release_is_no_fault() -> None:
    assert decode(b'{"kind":"call","v":1,"id":"a","ts":1,"colour":"blue"}').id == "a"


def test_ids_sort_by_time_and_never_repeat() -> None:
    earlier, later = event.new_id(1_700_000_000_000_000), event.new_id(1_700_000_000_001_000)
    assert earlier < later
    assert len(earlier) == 32
    assert len({event.new_id(1) for _ in range(10_000)}) == 10_000


def test_a_clock_before_the_epoch_still_gives_an_id() -> None:
    assert len(event.new_id(0)) == 32


def test_an_outcome_keeps_its_value_to_the_last_digit() -> None:
    made = Outcome(1, "0" * 32, 1, "sold", value=str(Decimal("0.10000000000000000001")))
    assert decode(encode(made)) == made
