"""Hugging Face's SDK."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import MESSAGES, OPENAI, Trial, read, read_async

SDK = "huggingface_hub"
CHAT: dict[str, Any] = {"model": "meta-llama/Llama-3.1-8B-Instruct", "messages": MESSAGES}


def client(url: str) -> Any:
    """Return a client of the simulator. The caller holds it: it may close with its last reference."""
    from huggingface_hub import InferenceClient

    return InferenceClient(base_url=f"{url}/v1", token="hf_sim")


def async_client(url: str) -> Any:
    """Return an asynchronous client of the simulator."""
    from huggingface_hub import AsyncInferenceClient

    return AsyncInferenceClient(base_url=f"{url}/v1", token="hf_sim")


def chat(url: str) -> Any:
    """A chat completion."""
    huggingface = client(url)
    return huggingface.chat_completion(**CHAT)


def chat_stream(url: str) -> Any:
    """A streamed chat completion that does not ask for usage by itself."""
    huggingface = client(url)
    return read(huggingface.chat_completion(**CHAT, stream=True))


async def chat_async(url: str) -> Any:
    """An asynchronous chat completion."""
    async with async_client(url) as huggingface:
        return await huggingface.chat_completion(**CHAT)


async def chat_async_stream(url: str) -> Any:
    """An asynchronous, streamed chat completion."""
    async with async_client(url) as huggingface:
        return await read_async(await huggingface.chat_completion(**CHAT, stream=True))


TRIALS = (
    Trial(SDK, "chat", chat, OPENAI),
    Trial(SDK, "chat, streamed", chat_stream, OPENAI),
    Trial(SDK, "chat, async", chat_async, OPENAI),
    Trial(SDK, "chat, async, streamed", chat_async_stream, OPENAI),
)
