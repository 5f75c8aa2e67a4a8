"""DSPy by its own client. What it leaves to LiteLLM is LiteLLM's."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials import anthropic
from meter.doctor.trials.trial import OPENAI, Trial, needed, read, read_async

SDK = "dspy"
PROMPT = "ping"


def lm(url: str, **options: Any) -> Any:
    """Return a model of the simulator's."""
    import dspy

    needed(dspy, "lm15")
    common = {"api_base": f"{url}/v1", "api_key": "sim", "num_retries": 0, "cache": False, "engine": "lm15"}
    return dspy.LM(**{**common, "model": "openai/gpt-4o-mini", **options})


def chat(url: str) -> Any:
    """A chat."""
    return lm(url)(PROMPT)


async def chat_async(url: str) -> Any:
    """An asynchronous chat."""
    return await lm(url).acall(PROMPT)


def responses(url: str) -> Any:
    """A response of OpenAI's newer interface."""
    return lm(url, model_type="responses")(PROMPT)


def claude(url: str) -> Any:
    """A message of Anthropic's."""
    return lm(url, model="anthropic/claude-haiku-4-5")(PROMPT)


def gemini(url: str) -> Any:
    """A generation of Gemini's."""
    return lm(url, model="gemini/gemini-2.5-flash")(PROMPT)


def _streams(url: str, kind: str) -> tuple[Any, Any]:
    import dspy

    lm15 = needed(dspy, "lm15")
    client = getattr(lm15, kind)(api_key="sim", base_url=f"{url}/v1")
    return client, lm15.Request(model="gpt-4o-mini", messages=(lm15.Message.user(PROMPT),))


def chat_stream(url: str) -> Any:
    """A streamed chat."""
    client, request = _streams(url, "OpenAIChatLM")
    return read(client.stream(request))


async def chat_async_stream(url: str) -> Any:
    """An asynchronous, streamed chat."""
    client, request = _streams(url, "AsyncOpenAIChatLM")
    return await read_async(client.stream(request))


TRIALS = (
    Trial(SDK, "chat", chat, OPENAI),
    Trial(SDK, "chat, async", chat_async, OPENAI),
    Trial(SDK, "chat, streamed", chat_stream, OPENAI),
    Trial(SDK, "chat, async, streamed", chat_async_stream, OPENAI),
    Trial(SDK, "responses", responses, OPENAI),
    Trial(SDK, "messages", claude, anthropic.USAGE),
    Trial(SDK, "generate content", gemini, OPENAI),
)
