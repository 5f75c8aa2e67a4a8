"""LiteLLM: a vendor that it leaves to OpenAI's SDK, and others that it calls itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meter.doctor.trials import anthropic
from meter.doctor.trials.trial import MESSAGES, OPENAI, Trial, read, read_async

SDK = "litellm"

VENDORS = (
    ("openai/gpt-4o-mini", "/v1", OPENAI),
    ("anthropic/claude-haiku-4-5", "", anthropic.USAGE),
    ("gemini/gemini-2.5-flash", "", OPENAI),
    ("deepseek/deepseek-chat", "/v1", OPENAI),
)
"""Model, the path of its wire at the simulator, and what that states."""


def trials(model: str, path: str, usage: dict[str, int]) -> Iterator[Trial]:
    """Return the trials of one vendor."""

    def asked(url: str) -> dict[str, Any]:
        return {"model": model, "messages": MESSAGES, "api_key": "sim", "api_base": f"{url}{path}", "max_retries": 0}

    def chat(url: str) -> Any:
        from litellm import completion

        return completion(**asked(url))

    def chat_stream(url: str) -> Any:
        from litellm import completion

        return read(completion(**asked(url), stream=True))

    async def chat_async(url: str) -> Any:
        from litellm import acompletion

        return await acompletion(**asked(url))

    async def chat_async_stream(url: str) -> Any:
        from litellm import acompletion

        return await read_async(await acompletion(**asked(url), stream=True))

    vendor = model.partition("/")[0]
    yield Trial(SDK, vendor, chat, usage)
    yield Trial(SDK, f"{vendor}, streamed", chat_stream, usage)
    yield Trial(SDK, f"{vendor}, async", chat_async, usage)
    yield Trial(SDK, f"{vendor}, async, streamed", chat_async_stream, usage)


TRIALS = tuple(trial for vendor in VENDORS for trial in trials(*vendor))
