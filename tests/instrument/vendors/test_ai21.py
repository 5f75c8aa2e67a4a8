"""AI21's SDK: what the calls of the self-test do not show, and its clients for other clouds."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import pytest

from meter.doctor.sdks import is_installed
from meter.doctor.trials.ai21 import asked, async_client, client
from meter.doctor.trials.trial import OPENAI
from meter.home import Home
from meter.simulator import Simulator
from meter.simulator.bedrock import frame
from tests.instrument.vendors.reading import calls, classes, only, settled

ai21: Any = pytest.importorskip("ai21")
httpx: Any = pytest.importorskip("httpx")

pytestmark = pytest.mark.filterwarnings("ignore")

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
ANSWER = {
    "id": "chat-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}],
    "usage": USAGE,
}


def elsewhere(content: bytes, content_type: str = "application/json", **headers: str) -> Any:
    """Return a client of httpx whose requests are answered in this process."""
    head = {"content-type": content_type, **{name.replace("_", "-"): text for name, text in headers.items()}}
    return httpx.Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, headers=head, content=iter([content])))
    )


def test_who_is_called_and_what_comes_back(metered: Home, sim: Simulator) -> None:
    client(sim.url).chat.completions.create(**asked())
    line = only(metered)
    assert (line["provider"], line["api"], line["operation"]) == ("ai21", "openai.chat", "chat")
    assert (line["request_model"], line["server"]) == ("jamba-mini", sim.url.removeprefix("http://"))
    assert line["key"] == hashlib.sha256(b"sim").hexdigest()[:12]
    assert line["raw"]["total_tokens"] == 18


@pytest.mark.parametrize("fault", ["bad-request", "unauthorized", "rate-limited", "server-error", "overloaded"])
def test_what_is_refused_is_not_billed(fault: str, metered: Home, sim: Simulator) -> None:
    async def ask() -> Any:
        return await async_client(sim.url).chat.completions.create(**asked())

    sim.fault = fault
    with pytest.raises(ai21.AI21APIError):
        client(sim.url).chat.completions.create(stream=True, **asked())
    with pytest.raises(ai21.AI21APIError):
        asyncio.run(ask())
    assert [(line["status"], line["billed"]) for line in calls(metered)] == [("error", False)] * 2


def test_what_was_never_sent_is_not_billed(metered: Home) -> None:
    with pytest.raises(httpx.ConnectError):
        client("http://127.0.0.1:1").chat.completions.create(**asked())
    assert only(metered)["billed"] is False


def test_a_stream_left_early(metered: Home, sim: Simulator) -> None:
    sim.delay_s = 0.02
    with client(sim.url).chat.completions.create(stream=True, **asked()) as stream:
        next(iter(stream))
    line = settled(metered)
    assert (line["status"], line["source"], line["billed"]) == ("aborted", "missing", True)


def test_retries_are_one_call(metered: Home, sim: Simulator) -> None:
    sim.fault = "rate-limited-once"
    made = ai21.AI21Client(api_key="sim", api_host=f"{sim.url}/studio/v1", num_retries=2)
    made.chat.completions.create(**asked())
    assert len(sim.requests) == 2 and classes(only(metered)) == OPENAI


def test_a_model_at_amazon(metered: Home) -> None:
    boto3 = pytest.importorskip("boto3")
    session = boto3.Session(aws_access_key_id="sim", aws_secret_access_key="sim", region_name="eu-west-1")
    counted = {"x_amzn_bedrock_input_token_count": "11", "x_amzn_bedrock_output_token_count": "7"}
    for body in (ANSWER, {**ANSWER, "usage": None}):
        http = elsewhere(json.dumps(body).encode(), **counted)
        made = ai21.AI21BedrockClient(session=session, region="eu-west-1", http_client=http)
        try:
            made.chat.completions.create(**{**asked(), "model": "ai21.jamba-1-5-mini-v1:0"})
        except ValueError:  # what the SDK says of an answer without usage
            assert body["usage"] is None
    for line in calls(metered):
        assert (line["provider"], line["region"], line["api"]) == ("aws.bedrock", "eu-west-1", "bedrock.invoke_model")
        assert (line["request_model"], classes(line)) == ("ai21.jamba-1-5-mini-v1:0", {"input": 11, "output": 7})
    assert len(calls(metered)) == 2


def test_a_stream_from_amazon(metered: Home) -> None:
    boto3 = pytest.importorskip("boto3")
    base64 = pytest.importorskip("base64")
    piece = {"id": "c", "choices": [{"index": 0, "delta": {"content": "pong"}, "finish_reason": None}]}
    last = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USAGE}
    metrics = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 11, "outputTokenCount": 7}}
    frames = []
    for event in (piece, last, metrics):
        data = base64.b64encode(json.dumps(event, separators=(",", ":")).encode()).decode()
        frames.append(frame("chunk", json.dumps({"bytes": data}).encode()))
    session = boto3.Session(aws_access_key_id="sim", aws_secret_access_key="sim", region_name="eu-west-1")
    kind = {"content-type": "application/vnd.amazon.eventstream"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=kind, content=iter(frames)))
    made = ai21.AI21BedrockClient(session=session, region="eu-west-1", http_client=httpx.Client(transport=transport))
    seen = list(made.chat.completions.create(stream=True, **{**asked(), "model": "ai21.jamba-1-5-mini-v1:0"}))
    assert seen[0].choices[0].delta.content == "pong"
    line = only(metered)
    assert (line["api"], line["source"], classes(line)) == (
        "bedrock.invoke_model",
        "reported",
        {"input": 11, "output": 7},
    )


def test_a_model_at_google(metered: Home) -> None:
    if not is_installed("google.auth"):
        pytest.skip("the SDK needs google-auth for it")
    http = elsewhere(json.dumps(ANSWER).encode())
    made = ai21.AI21VertexClient(project_id="ours", access_token="sim", region="europe-west1", http_client=http)
    made.chat.completions.create(**{**asked(), "model": "jamba-1.5-mini@001"})
    line = only(metered)
    assert (line["provider"], line["region"], line["request_model"]) == (
        "gcp.vertex_ai",
        "europe-west1",
        "jamba-1.5-mini@001",
    )
    assert classes(line) == {"input": 11, "output": 7}


def test_a_model_at_azure(metered: Home) -> None:
    http = elsewhere(json.dumps(ANSWER).encode())
    made = ai21.AI21AzureClient(base_url="https://ours.eastus2.models.ai.azure.com", api_key="sim")
    made._client = http
    made.chat.completions.create(**asked())
    line = only(metered)
    assert (line["provider"], line["region"]) == ("azure.ai.inference", "eastus2")
    assert classes(line) == {"input": 11, "output": 7}


def test_a_question_to_a_library_states_no_usage(metered: Home) -> None:
    reply = {
        "id": "r-1",
        "choices": [{"role": "assistant", "content": "pong"}],
        "search_queries": None,
        "context_retrieved": True,
        "answer_in_context": True,
        "sources": [],
    }
    made = ai21.AI21Client(api_key="sim", http_client=elsewhere(json.dumps(reply).encode()))
    made.beta.conversational_rag.create(messages=asked()["messages"])
    line = only(metered)
    assert (line["provider"], line["api"], line["source"]) == ("ai21", "ai21.conversational_rag", "missing")
    assert line["sent_chars"] == 4
