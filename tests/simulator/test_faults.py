from __future__ import annotations

import json
import time
from typing import Any

import anthropic as anthropic_sdk
import openai as openai_sdk
import pytest
from anthropic import Anthropic
from openai import OpenAI

import meter.simulator
from meter.errors import MeterError
from meter.simulator import FAULTS, MODELS, Simulator
from tests.simulator.conftest import ASK, needs_openai_2

REFUSALS = [
    ("bad-request", "BadRequestError", 400),
    ("unauthorized", "AuthenticationError", 401),
    ("not-found", "NotFoundError", 404),
    ("rate-limited", "RateLimitError", 429),
    ("server-error", "InternalServerError", 500),
    ("overloaded", "InternalServerError", 529),
]
CUTS = ["cut-before-headers", "cut-mid-body"]
TESTED_BELOW = {
    "length",
    "content-filter",
    "stall",
    "stall-mid-stream",
    "no-usage",
    "strange-usage",
    "malformed-sse",
} | {
    "error-event",
    "wrong-content-type",
    "malformed-json",
    "refuses-stream-options",
}


def chat(client: OpenAI, fault: str = "", **changes: Any) -> Any:
    asked: Any = {"model": "gpt-4o", "messages": ASK, "extra_headers": {"x-sim-fault": fault}} | changes
    return client.chat.completions.create(**asked)


def message(client: Anthropic, fault: str = "", **changes: Any) -> Any:
    asked: Any = {
        "model": "claude-haiku-4-5",
        "max_tokens": 9,
        "messages": ASK,
        "extra_headers": {"x-sim-fault": fault},
    }
    return client.messages.create(**(asked | changes))


def test_every_fault_is_documented_and_tested() -> None:
    doc = meter.simulator.__doc__ or ""
    for fault in FAULTS:
        assert f"| `{fault.name}` | {fault.about} |" in doc
    for pattern, name in MODELS:
        assert f"`{pattern}`" in next(line for line in doc.splitlines() if f"`{name.removesuffix('-once')}`" in line)
    assert {fault.name for fault in FAULTS} == {row[0] for row in REFUSALS} | set(CUTS) | TESTED_BELOW


@pytest.mark.parametrize(("fault", "error", "status"), REFUSALS)
def test_a_refusal_is_the_exception_the_sdks_have_for_it(
    openai: OpenAI, anthropic: Anthropic, fault: str, error: str, status: int
) -> None:
    with pytest.raises(openai_sdk.APIStatusError) as ours:
        chat(openai.with_options(max_retries=0), fault)
    assert (type(ours.value).__name__, ours.value.status_code) == (error, status)
    with pytest.raises(anthropic_sdk.APIStatusError) as theirs:
        message(anthropic.with_options(max_retries=0), fault)
    assert theirs.value.status_code == status
    assert isinstance(theirs.value, getattr(anthropic_sdk, error))


@pytest.mark.parametrize("fault", ["rate-limited", "server-error", "cut-before-headers"])
def test_what_happens_once_is_retried_by_the_sdks(
    sim: Simulator, openai: OpenAI, anthropic: Anthropic, fault: str
) -> None:
    assert chat(openai, fault + "-once").usage.total_tokens == 18
    assert message(anthropic, fault + "-once").usage.output_tokens == 7
    assert len(sim.requests) == 4


def test_a_rate_limit_says_when_to_try_again(openai: OpenAI) -> None:
    with pytest.raises(openai_sdk.RateLimitError) as caught:
        chat(openai.with_options(max_retries=0), "rate-limited")
    assert caught.value.response.headers["retry-after-ms"] == "10"
    assert caught.value.response.headers["retry-after"] == "1"


def test_a_flaky_model_fails_on_every_odd_request(sim: Simulator, openai: OpenAI) -> None:
    for _ in range(2):
        assert chat(openai, model="flaky-1").usage.total_tokens == 18
    assert len(sim.requests) == 4
    assert chat(openai, model="gpt-4o", extra_headers={}).usage


@pytest.mark.parametrize("fault", CUTS)
def test_a_cut_connection_is_a_connection_error(openai: OpenAI, anthropic: Anthropic, fault: str) -> None:
    with pytest.raises(openai_sdk.APIConnectionError):
        chat(openai.with_options(max_retries=0), fault)
    with pytest.raises(anthropic_sdk.APIConnectionError):
        message(anthropic.with_options(max_retries=0), fault)


def test_a_stream_cut_half_way_raises_after_what_was_sent(openai: OpenAI, anthropic: Anthropic) -> None:
    for stream in (chat(openai, "cut-mid-body", stream=True), message(anthropic, "cut-mid-body", stream=True)):
        seen = []
        with pytest.raises(Exception, match=r"incomplete chunked read|Connection error"):
            for event in stream:
                seen.append(event)  # noqa: PERF402 – what came before the error is the point
        assert len(seen) >= 3


def test_malformed_events_raise_half_way(openai: OpenAI, anthropic: Anthropic) -> None:
    with pytest.raises(json.JSONDecodeError):
        list(chat(openai, "malformed-sse", stream=True))
    if anthropic_sdk.__version__.startswith("0."):
        return  # the oldest SDK passes over an event without a name
    assert len(list(message(anthropic, "malformed-sse", stream=True))) > 0


def test_an_error_event_raises_half_way(openai: OpenAI, anthropic: Anthropic) -> None:
    with pytest.raises(openai_sdk.APIError, match="half-way"):
        list(chat(openai, "error-event", stream=True))
    with pytest.raises(anthropic_sdk.APIStatusError, match="overloaded"):
        list(message(anthropic, "error-event", stream=True))


@needs_openai_2
def test_an_error_event_ends_a_stream_of_responses(openai: OpenAI) -> None:
    stream: Any = openai.responses.create(
        model="gpt-5", input="How much?", stream=True, extra_headers={"x-sim-fault": "error-event"}
    )
    assert [event.type for event in stream][-1] == "error"


def test_usage_can_be_missing(openai: OpenAI, anthropic: Anthropic) -> None:
    assert chat(openai, "no-usage").usage is None
    asked = list(chat(openai, "no-usage", stream=True, stream_options={"include_usage": True}))
    assert len(asked) == 5
    assert all(chunk.usage is None for chunk in asked)
    assert "usage" not in message(anthropic, "no-usage").model_dump(exclude_unset=True)
    events = list(message(anthropic, "no-usage", stream=True))
    assert events[-1].type == "message_stop"


def test_usage_can_have_a_shape_nobody_knows(openai: OpenAI, anthropic: Anthropic) -> None:
    for answer in (chat(openai, "strange-usage"), message(anthropic, "strange-usage")):
        assert answer.to_dict()["usage"]["billing_units"] == 4.5


def test_stream_options_can_be_refused(openai: OpenAI) -> None:
    assert len(list(chat(openai, model="no-so", stream=True, extra_headers={}))) == 5
    with pytest.raises(openai_sdk.BadRequestError, match="stream_options"):
        chat(openai, model="no-so", stream=True, stream_options={"include_usage": True}, extra_headers={})


def test_a_page_of_html_with_status_200_reaches_the_caller(openai: OpenAI) -> None:
    assert chat(openai, "wrong-content-type") == "<html><p>login</p></html>"


def test_a_body_that_is_no_json_raises(openai: OpenAI, anthropic: Anthropic) -> None:
    with pytest.raises(json.JSONDecodeError):
        chat(openai, "malformed-json")
    with pytest.raises(json.JSONDecodeError):
        message(anthropic, "malformed-json")


@pytest.mark.parametrize(
    ("fault", "finish", "stop"), [("length", "length", "max_tokens"), ("content-filter", "content_filter", "refusal")]
)
def test_an_answer_can_end_early(openai: OpenAI, anthropic: Anthropic, fault: str, finish: str, stop: str) -> None:
    assert chat(openai, fault).choices[0].finish_reason == finish
    assert message(anthropic, fault).stop_reason == stop


def test_a_slow_model_answers_after_a_stall_and_a_time_out_sees_none_of_it(sim: Simulator, openai: OpenAI) -> None:
    begun = time.monotonic()
    assert chat(openai, model="slow", extra_headers={}).usage.total_tokens == 18
    assert time.monotonic() - begun >= sim.stall_s
    with pytest.raises(openai_sdk.APITimeoutError):
        chat(openai.with_options(timeout=0.05, max_retries=0), model="slow", extra_headers={})


def test_a_stream_can_stall_half_way(sim: Simulator, openai: OpenAI) -> None:
    begun = time.monotonic()
    assert len(list(chat(openai, "stall-mid-stream", stream=True))) == 5
    assert time.monotonic() - begun >= sim.stall_s


def test_events_can_come_slowly(sim: Simulator, openai: OpenAI) -> None:
    sim.delay_s = 0.02
    begun = time.monotonic()
    assert len(list(chat(openai, stream=True))) == 5
    assert len(list(chat(openai, stream=True, extra_headers={"x-sim-delay": "0.03"}))) == 5
    assert time.monotonic() - begun >= 5 * (sim.delay_s + 0.03)


def test_every_request_of_a_simulator_can_have_a_fault() -> None:
    with Simulator(fault="no-usage") as sim, OpenAI(api_key="k", base_url=sim.url) as client:
        assert chat(client).usage is None


def test_an_unknown_fault_is_refused_with_the_list(openai: OpenAI) -> None:
    with pytest.raises(MeterError, match="no fault 'sulk'") as caught:
        Simulator(fault="sulk")
    assert "rate-limited" in str(caught.value.hint)
    with pytest.raises(openai_sdk.BadRequestError, match="no fault 'sulk'"):
        chat(openai, "sulk")
