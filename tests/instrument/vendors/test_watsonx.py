"""IBM watsonx.ai's SDK: what the calls of the self-test do not show."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from meter import instrument
from meter.doctor.trials.trial import MESSAGES, OPENAI
from meter.doctor.trials.watsonx import client, model
from meter.home import Home
from meter.providers import hosts
from meter.simulator import Simulator
from tests.instrument.vendors.reading import calls, classes, only, settled

errors: Any = pytest.importorskip("ibm_watsonx_ai.wml_client_error")

pytestmark = pytest.mark.filterwarnings("ignore")


def test_who_is_called_and_what_comes_back(metered: Home, sim: Simulator) -> None:
    model(sim.url).chat(messages=MESSAGES)
    line = only(metered)
    assert (line["provider"], line["api"], line["operation"]) == ("ibm.watsonx.ai", "watsonx.chat", "chat")
    assert (line["request_model"], line["response_model"]) == ("ibm/granite-3-8b-instruct",) * 2
    assert (line["project"], line["server"]) == ("project-1", sim.url.removeprefix("http://"))
    assert "key" not in line  # a token that changes by the hour
    assert line["raw"]["total_tokens"] == 18


def test_what_was_generated_is_counted_as_it_came(metered: Home, sim: Simulator) -> None:
    model(sim.url).generate("ping")
    assert only(metered)["raw"] == {"input_token_count": 8, "generated_token_count": 5}


def test_a_deployment_is_named_by_the_address(metered: Home, sim: Simulator) -> None:
    made = client(sim.url)
    made.httpx_client.post(f"{sim.url}/ml/v1/deployments/ours/text/generation", json={"input": "ping"})
    line = only(metered)
    assert (line["deployment"], line.get("request_model")) == ("ours", None)
    assert line["response_model"] == "ibm/granite-3-8b-instruct"


@pytest.mark.parametrize("fault", ["bad-request", "unauthorized", "server-error"])
def test_what_is_refused_is_not_billed(fault: str, metered: Home, sim: Simulator) -> None:
    sim.fault = fault
    with pytest.raises(errors.WMLClientError):
        model(sim.url).chat(messages=MESSAGES)
    with pytest.raises(errors.WMLClientError):
        list(model(sim.url).chat_stream(messages=MESSAGES))
    with pytest.raises(errors.WMLClientError):
        asyncio.run(model(sim.url).achat(messages=MESSAGES))
    lines = calls(metered)
    assert len(lines) >= 3 and {(line["status"], line["billed"]) for line in lines} == {("error", False)}


def test_a_stream_left_early_is_a_lower_bound(metered: Home, sim: Simulator) -> None:
    sim.delay_s = 0.02
    stream = model(sim.url).generate_text_stream("ping")
    assert next(stream)
    stream.close()
    line = settled(metered)
    assert (line["status"], line["source"], line["billed"]) == ("aborted", "partial", True)
    assert classes(line)["input"] == 8 and classes(line)["output"] < 5


def test_other_requests_of_the_client_are_no_calls(metered: Home, sim: Simulator) -> None:
    made = client(sim.url)
    made.httpx_client.post(f"{sim.url}/ml/v1/text/tokenization", json={"input": "ping"})
    made.httpx_client.get(f"{sim.url}/ml/v1/foundation_model_specs")
    assert calls(metered) == []


def test_the_gateway_speaks_openais_wire(metered: Home, sim: Simulator) -> None:
    body = {"model": "gpt-4o-mini", "messages": MESSAGES}
    client(sim.url).httpx_client.post(f"{sim.url}/ml/gateway/v1/chat/completions", json=body)
    line = only(metered)
    assert (line["api"], line["provider"], classes(line)) == ("openai.chat", "ibm.watsonx.ai", OPENAI)


def test_a_model_made_before_is_metered_and_bare_afterwards(home: Home, sim: Simulator) -> None:
    made = model(sim.url)
    instrument.install()
    made.chat(messages=MESSAGES)
    instrument.uninstall()
    made.chat(messages=MESSAGES)
    assert classes(only(home)) == OPENAI
    assert "send" not in vars(type(client(sim.url).httpx_client))


def test_an_address_names_its_region() -> None:
    for host, region in (("eu-de.ml.cloud.ibm.com", "eu-de"), ("ap-south-1.aws.wxai.ibm.com", "ap-south-1")):
        assert hosts.find(host, None, "ibm.watsonx.ai") == ("ibm.watsonx.ai", region)
