"""DSPy: by its own client on plain sockets, or by LiteLLM; its cache stands above both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from meter.instrument.facts import fingerprint
from tests.frameworks.account import ANTHROPIC, OPENAI, Account, framework
from tests.instrument.vendors.reading import calls, classes

dspy = framework("dspy", "dspy")

pytestmark = pytest.mark.filterwarnings("ignore")

PROMPT = "hello there"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=True)
    dspy.cache.reset_memory_cache()
    yield
    dspy.cache.reset_memory_cache()


def chat(account: Account, engine: str, **more: Any) -> Any:
    return dspy.LM("openai/gpt-4o-mini", api_base=account.openai, engine=engine, **{**COMMON, **more})


def responses(account: Account, engine: str, **more: Any) -> Any:
    return chat(account, engine, model_type="responses", **more)


def claude(account: Account, engine: str, **more: Any) -> Any:
    base = account.anthropic + ("" if engine == "litellm" else "/v1")
    return dspy.LM("anthropic/claude-haiku-4-5", api_base=base, engine=engine, **{**COMMON, **more})


COMMON: dict[str, Any] = {"api_key": "sim", "num_retries": 0, "cache": False}
MODELS = [(chat, OPENAI), (responses, OPENAI), (claude, ANTHROPIC)]

models = pytest.mark.parametrize(("model", "stated"), MODELS, ids=["chat", "responses", "claude"])
engines = pytest.mark.parametrize("engine", ["auto", "lm15", "litellm"])


@models
@engines
def test_an_answer_is_one_record(model: Any, stated: dict[str, int], engine: str, account: Account) -> None:
    assert model(account, engine)(PROMPT)
    account.settles(stated)


@models
@engines
def test_an_asynchronous_answer_is_one_record(
    model: Any, stated: dict[str, int], engine: str, account: Account
) -> None:
    assert account.run(model(account, engine).acall(PROMPT))
    account.settles(stated)


@models
@engines
def test_a_streamed_answer_is_one_record(model: Any, stated: dict[str, int], engine: str, account: Account) -> None:
    async def read() -> None:
        with dspy.context(lm=model(account, engine)):
            program = dspy.streamify(
                dspy.Predict("question -> answer"),
                stream_listeners=[dspy.streaming.StreamListener(signature_field_name="answer")],
            )
            with suppress(dspy.utils.exceptions.AdapterParseError):  # the simulator's answer is not as DSPy asks for it
                assert [value async for value in program(question=PROMPT)]

    account.run(read())
    turns = len(account.sim.requests)  # it asks again in another form
    if (model, engine) != (responses, "litellm"):  # which it does not stream
        assert any(arrival.body.get("stream") for arrival in account.sim.requests)
    account.settles(*[stated] * turns)


@models
@engines
def test_an_answer_from_the_cache_is_no_record(
    model: Any, stated: dict[str, int], engine: str, account: Account
) -> None:
    lm = model(account, engine, cache=True)
    for _ in range(3):
        assert lm(PROMPT)
    account.settles(stated)


@models
@engines
def test_an_asynchronous_answer_from_the_cache_is_no_record(
    model: Any, stated: dict[str, int], engine: str, account: Account
) -> None:
    lm = model(account, engine, cache=True)
    for _ in range(3):
        assert account.run(lm.acall(PROMPT))
    account.settles(stated)


@pytest.mark.parametrize(("model", "provider"), [(chat, "openai"), (claude, "anthropic")])
def test_it_is_known_who_was_called_and_with_which_key(model: Any, provider: str, account: Account) -> None:
    assert model(account, "lm15")(PROMPT)
    (line,) = account.settles(OPENAI if model is chat else ANTHROPIC)
    assert line["provider"] == provider
    assert line["key"] == fingerprint(b"sim")
    assert line["server"] in (account.openai + account.anthropic)


def test_an_attempt_that_is_refused_is_a_record_that_was_not_billed(account: Account) -> None:
    account.sim.fault = "rate-limited-once"
    assert chat(account, "lm15", num_retries=2)(PROMPT)
    refused, answered = calls(account.home)
    assert (refused["status"], refused["billed"], refused.get("usage")) == ("error", False, None)
    assert (answered["status"], classes(answered)) == ("ok", OPENAI)
