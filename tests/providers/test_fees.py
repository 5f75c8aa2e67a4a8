"""What the provider ran for an answer, counted when it was executed and not when it was declared."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from meter import recorder
from meter.home import Home
from meter.instrument.facts import Facts
from meter.instrument.live import LiveCall
from meter.providers import cohere, gemini, messages, responses, xai
from meter.providers.model import Dialect
from tests.instrument.sdks import only

USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
SEARCH = {"type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}
OPENED = {"type": "web_search_call", "status": "completed", "action": {"type": "open_page", "url": "u"}}
FAILED = {"type": "web_search_call", "status": "failed", "action": {"type": "search"}}
RAN = {"type": "code_interpreter_call", "status": "completed", "container_id": "c"}
FILES = {"type": "file_search_call", "status": "completed", "queries": ["a", "b"]}
TEXT = {"type": "message", "content": [{"type": "output_text", "text": 'a "web_search_call"'}]}


def classes(dialect: Dialect, answer: dict[str, Any], home: Home) -> dict[str, Any]:
    call = LiveCall(dialect, recorder.start(), Facts("openai", "api.openai.com"), {})
    call.passes = 1
    call.take_body(msgspec.json.encode(answer))
    call.end("ok")
    line: dict[str, Any] = only(home)
    return line


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ([TEXT], {}),
        ([SEARCH, OPENED, SEARCH, FAILED, TEXT], {"web_searches": 2}),
        ([RAN, FILES, TEXT], {"code_executions": 1, "file_searches": 1}),
        ("no list", {}),
        ([5, None], {}),
    ],
)
def test_openai_ran_what_its_items_say(output: Any, found: dict[str, int], home: Home) -> None:
    answer = {"id": "r", "model": "gpt-5", "usage": USAGE, "output": output, "tools": [{"type": "web_search"}]}
    assert classes(responses.RESPONSES, answer, home)["usage"] == {"input": 10, "output": 5, **found}


def test_where_a_number_says_so_it_holds(home: Home) -> None:
    answer = {
        "id": "r",
        "usage": USAGE,
        "output": [SEARCH, SEARCH],
        "tool_usage": {"web_search": {"num_requests": 3}},
    }
    assert classes(responses.RESPONSES, answer, home)["usage"]["web_searches"] == 3


@pytest.mark.parametrize(("model", "searches"), [("gemini-2.5-flash", 1), ("gemini-3-pro-preview", 2)])
def test_gemini_bills_grounding_by_the_answer_and_since_its_third_version_by_the_query(
    model: str, searches: int, home: Home
) -> None:
    grounded = {"content": {"parts": [{"text": "x"}]}, "groundingMetadata": {"webSearchQueries": ["a", "b"]}}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    answer = {"modelVersion": model, "candidates": [grounded], "usageMetadata": usage}
    assert classes(gemini.GENERATE, answer, home)["usage"]["web_searches"] == searches


def test_declared_is_not_executed(home: Home) -> None:
    usage = {"input_tokens": 10, "output_tokens": 5, "server_tool_use": {"web_search_requests": 0}}
    assert classes(messages.MESSAGES, {"id": "m", "usage": usage}, home)["usage"]["web_searches"] == 0


def test_a_rerank_is_billed_by_the_search(home: Home) -> None:
    answer = {"id": "r", "results": [], "meta": {"billed_units": {"search_units": 2}}}
    assert classes(cohere.RERANK, answer, home)["usage"] == {"rerank_searches": 2}


def test_xai_states_searches_and_a_cost_in_ticks(home: Home) -> None:
    usage = {**USAGE, "cost_in_usd_ticks": 161508500, "server_side_tool_usage_details": {"web_search_calls": 2}}
    line = classes(xai.DIALECTS[3], {"id": "r", "usage": usage, "output": [SEARCH]}, home)
    assert line["usage"] == {"input": 10, "output": 5, "web_searches": 2}
    assert (line["reported_cost"], line["reported_currency"]) == ("0.0161508500", "USD")
