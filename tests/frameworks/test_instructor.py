"""instructor over the SDKs of OpenAI and Anthropic: it asks again if an answer does not fit, and adds up usage in the last."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from tests.frameworks.account import ANTHROPIC, OPENAI, Account, framework

instructor = framework("instructor", "instructor")

pytestmark = pytest.mark.filterwarnings("ignore")

MESSAGES = [{"role": "user", "content": "hello there"}]
GPT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": MESSAGES}
CLAUDE: dict[str, Any] = {"model": "claude-haiku-4-5", "messages": MESSAGES, "max_tokens": 64}


def fitting() -> Any:
    """Return a type that the simulator's answer, a tool call without arguments, fits."""
    from pydantic import create_model

    return create_model("Greeting", text=(str, "none"))


def demanding() -> Any:
    """Return a type that it never fits."""
    from pydantic import create_model

    return create_model("Greeting", text=(str, ...))


def gpt(account: Account, kind: str = "OpenAI") -> Any:
    import openai

    return instructor.from_openai(getattr(openai, kind)(base_url=account.openai, api_key="sim", max_retries=0))


def claude(account: Account, kind: str = "Anthropic") -> Any:
    import anthropic

    client = getattr(anthropic, kind)(base_url=account.anthropic, api_key="sim", max_retries=0)
    return instructor.from_anthropic(client)


CASES = [(gpt, "AsyncOpenAI", GPT, OPENAI), (claude, "AsyncAnthropic", CLAUDE, ANTHROPIC)]
cases = pytest.mark.parametrize(("client", "waiting", "ask", "stated"), CASES, ids=["openai", "anthropic"])


@cases
def test_an_answer_is_one_record(client: Any, waiting: str, ask: Any, stated: Any, account: Account) -> None:
    assert client(account).chat.completions.create(response_model=fitting(), **ask)
    account.settles(stated, stream=False)


@cases
def test_a_stream_of_partial_answers_is_one_record(
    client: Any, waiting: str, ask: Any, stated: Any, account: Account
) -> None:
    list(client(account).chat.completions.create_partial(response_model=fitting(), **ask))
    account.settles(stated, stream=True)


@cases
def test_an_asynchronous_answer_is_one_record(
    client: Any, waiting: str, ask: Any, stated: Any, account: Account
) -> None:
    assert account.run(client(account, waiting).chat.completions.create(response_model=fitting(), **ask))
    account.settles(stated, stream=False)


@cases
def test_an_asynchronous_stream_is_one_record(
    client: Any, waiting: str, ask: Any, stated: Any, account: Account
) -> None:
    async def read() -> list[Any]:
        partial = client(account, waiting).chat.completions.create_partial(response_model=fitting(), **ask)
        return [piece async for piece in partial]

    account.run(read())
    account.settles(stated, stream=True)


@cases
def test_each_answer_that_does_not_fit_is_a_record_of_its_own(
    client: Any, waiting: str, ask: Any, stated: Any, account: Account
) -> None:
    with pytest.raises(Exception, match="text"):
        client(account).chat.completions.create(response_model=demanding(), max_retries=3, **ask)
    turns = len(account.sim.requests)
    assert turns > 1
    account.settles(*[stated] * turns, stream=False)


@cases
def test_what_the_framework_adds_up_is_not_what_is_recorded(
    client: Any, waiting: str, ask: Any, stated: Any, account: Account
) -> None:
    from pydantic import AfterValidator, Field, create_model

    seen: list[str] = []

    def second(text: str) -> str:
        seen.append(text)
        if len(seen) < 2:
            raise ValueError("once more")
        return text

    picky = create_model(
        "Greeting", text=(Annotated[str, AfterValidator(second)], Field("none", validate_default=True))
    )
    _, completion = client(account).chat.completions.create_with_completion(response_model=picky, max_retries=3, **ask)
    usage, turns = completion.usage, len(account.sim.requests)
    summed = usage.completion_tokens if client is gpt else usage.output_tokens
    assert summed == 7 * turns > 7
    account.settles(*[stated] * turns, stream=False)


def test_a_client_made_before_metering_is_metered(account: Account) -> None:
    from meter import instrument

    instrument.uninstall()
    client = gpt(account)
    instrument.install()
    assert client.chat.completions.create(response_model=fitting(), **GPT)
    account.settles(OPENAI, stream=False)
