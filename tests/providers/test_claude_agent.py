"""What the Claude Agent SDK's program tells, as calls: whatever is shown, they add up to the sums of its results."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from meter.providers.claude_agent import INPUTS, TURNS, Turn, calls, of_turn, since
from meter.providers.progress import reader_of

HAIKU, DATED = "claude-haiku-4-5", "claude-haiku-4-5-20251001"
SUM = {
    "inputTokens": 30,
    "outputTokens": 9,
    "cacheReadInputTokens": 500,
    "cacheCreationInputTokens": 40,
    "webSearchRequests": 2,
}
"""As an older program states it: without the split of cache writes."""


def piece(name: str, model: str = DATED, **usage: Any) -> dict[str, Any]:
    return {
        "id": name,
        "model": model,
        "usage": {"output_tokens": 1, **usage},
        "content": [{"type": "text", "text": "hi"}],
    }


def turn(*pieces: dict[str, Any]) -> Turn:
    made = Turn()
    for one in pieces:
        made.take(one)
    return made


def classes(made: Turn, stated: dict[str, Any] = SUM, model: str = HAIKU) -> list[dict[str, Any]]:
    read = reader_of(TURNS).classes
    return [{name: n for name, n in read(part.usage).items() if n} for _, part in calls(made, {model: stated})]


FIRST = piece("msg_1", input_tokens=10, cache_read_input_tokens=200, cache_creation_input_tokens=40)
SECOND = piece("msg_2", input_tokens=20, cache_read_input_tokens=300)
ENDS = {"output": 9, "web_searches": 2}


def test_each_answer_has_its_input_and_the_last_the_output() -> None:
    assert classes(turn(FIRST, FIRST, SECOND)) == [
        {"input": 10, "cache_read": 200, "cache_write": 40},
        {"input": 20, "cache_read": 300, **ENDS},
    ]


def test_calls_that_were_not_shown_are_one_more() -> None:
    assert classes(turn(SECOND)) == [
        {"input": 20, "cache_read": 300},
        {"input": 10, "cache_read": 200, "cache_write": 40, **ENDS},
    ]


def test_with_nothing_shown_the_sum_is_one_call() -> None:
    assert classes(turn()) == [{"input": 30, "cache_read": 500, "cache_write": 40, **ENDS}]


def test_the_split_of_an_answer_holds_where_the_sum_has_none() -> None:
    split: dict[str, Any] = {"cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10}}
    made = turn(
        piece("msg_1", DATED, input_tokens=30, cache_read_input_tokens=500, cache_creation_input_tokens=40, **split)
    )
    assert classes(made) == [{"input": 30, "cache_read": 500, "cache_write_5m": 30, "cache_write_1h": 10, **ENDS}]


def test_an_answer_counts_for_the_model_whose_name_is_nearest() -> None:
    found = calls(turn(FIRST), {"claude-haiku-4": SUM, HAIKU: {"inputTokens": 10}})
    assert [(model, part.id) for model, part in found] == [("claude-haiku-4", None), (HAIKU, "msg_1")]


def test_an_answer_of_a_model_without_a_sum_is_in_none() -> None:
    assert [part.id for _, part in calls(turn(FIRST), {"claude-opus-5": SUM})] == [None]


def test_a_name_that_a_cloud_gives_is_known_by_the_models_own() -> None:
    profile = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x"
    stated = {profile: {"inputTokens": 30, "canonicalModel": HAIKU}}
    ((model, part),) = calls(turn(piece("msg_1", input_tokens=30)), stated)
    assert (model, part.id, part.model) == (profile, "msg_1", DATED)


def test_a_session_that_was_taken_up_again_is_known_by_its_turns_own_usage() -> None:
    usage = {"input_tokens": 10, "output_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 4}}
    found = of_turn(usage, {"claude-opus-5": SUM, HAIKU: SUM}, HAIKU)
    assert list(found) == [HAIKU]
    assert {name: count for name, count in found[HAIKU].items() if count} == {
        "inputTokens": 10,
        "outputTokens": 9,
        "cacheCreationEphemeral1hInputTokens": 4,
    }
    assert of_turn(None, {HAIKU: SUM}, None) == of_turn(usage, {}, HAIKU) == {}


def test_nothing_used_is_no_call() -> None:
    assert calls(turn(), {HAIKU: dict.fromkeys(SUM, 0)}) == []


def test_what_the_program_makes_up_is_no_answer() -> None:
    assert turn(piece("1", "<synthetic>"), {"id": None}, {}).answers == {}


def test_sums_run_on_until_they_begin_anew() -> None:
    assert since({HAIKU: SUM}, {}) == {HAIKU: SUM}
    assert since({HAIKU: {"inputTokens": 50}}, {HAIKU: {"inputTokens": 30}}) == {HAIKU: {"inputTokens": 20}}
    assert since({HAIKU: {"inputTokens": 7}}, {HAIKU: {"inputTokens": 30}}) == {HAIKU: {"inputTokens": 7}}
    assert since({"other": SUM}, {HAIKU: SUM}) == {"other": SUM}


counts = st.integers(0, 10**6)


@given(
    st.lists(st.fixed_dictionaries({name: counts for name in INPUTS.values() if "." not in name}), max_size=4),
    st.data(),
)
def test_the_calls_of_a_turn_add_up_to_its_sum(usages: list[dict[str, int]], data: st.DataObject) -> None:
    made = turn(*(piece(f"msg_{at}", DATED, **usage) for at, usage in enumerate(usages)))
    fields = {field: place for field, place in INPUTS.items() if "." not in place}
    stated = {field: sum(usage[place] for usage in usages) + data.draw(counts) for field, place in fields.items()}
    stated |= {"outputTokens": data.draw(counts)}
    found = classes(made, stated)
    for name, field in {
        "input": "inputTokens", "cache_read": "cacheReadInputTokens", "cache_write": "cacheCreationInputTokens",
        "output": "outputTokens",
    }.items():  # fmt: skip
        assert sum(each.get(name, 0) for each in found) == stated[field]
