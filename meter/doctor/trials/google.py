"""google-genai, against the Gemini API and Vertex AI."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import OPENAI, Trial, needed, read, read_async

SDK = "google.genai"
GENERATE: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": "ping"}


def client(url: str, **more: Any) -> Any:
    """Return a client of the simulator. It closes with its last reference, so the caller holds it."""
    from google import genai
    from google.genai.types import HttpOptions

    return genai.Client(api_key="sim", http_options=HttpOptions(base_url=url), **more)


def generate(url: str) -> Any:
    """Content."""
    genai = client(url)
    return genai.models.generate_content(**GENERATE)


def generate_stream(url: str) -> Any:
    """Streamed content."""
    genai = client(url)
    return read(genai.models.generate_content_stream(**GENERATE))


async def generate_async(url: str) -> Any:
    """Content of the asynchronous client."""
    genai = client(url)
    return await genai.aio.models.generate_content(**GENERATE)


async def generate_async_stream(url: str) -> Any:
    """Streamed content of the asynchronous client."""
    genai = client(url)
    return await read_async(await genai.aio.models.generate_content_stream(**GENERATE))


def chat(url: str) -> Any:
    """A chat's message."""
    genai = client(url)
    return genai.chats.create(model="gemini-2.5-flash").send_message("ping")


def vertex(url: str) -> Any:
    """Content from Vertex AI."""
    genai = client(url, vertexai=True)
    return genai.models.generate_content(**GENERATE)


INTERACTION: dict[str, Any] = {"model": "gemini-2.5-flash", "input": "ping"}


def interaction(url: str) -> Any:
    """An interaction."""
    genai = client(url)
    return needed(genai, "interactions").create(**INTERACTION)


def interaction_stream(url: str) -> Any:
    """A streamed interaction."""
    genai = client(url)
    return read(needed(genai, "interactions").create(**INTERACTION, stream=True))


async def interaction_async(url: str) -> Any:
    """An interaction of the asynchronous client."""
    genai = client(url)
    return await needed(genai.aio, "interactions").create(**INTERACTION)


async def interaction_async_stream(url: str) -> Any:
    """A streamed interaction of the asynchronous client."""
    genai = client(url)
    return await read_async(await needed(genai.aio, "interactions").create(**INTERACTION, stream=True))


TRIALS = (
    Trial(SDK, "generate content", generate, OPENAI),
    Trial(SDK, "generate content, streamed", generate_stream, OPENAI),
    Trial(SDK, "generate content, async", generate_async, OPENAI),
    Trial(SDK, "generate content, async, streamed", generate_async_stream, OPENAI),
    Trial(SDK, "chat", chat, OPENAI),
    Trial(SDK, "generate content, Vertex AI", vertex, OPENAI),
    Trial(SDK, "interaction", interaction, OPENAI),
    Trial(SDK, "interaction, streamed", interaction_stream, OPENAI),
    Trial(SDK, "interaction, async", interaction_async, OPENAI),
    Trial(SDK, "interaction, async, streamed", interaction_async_stream, OPENAI),
)
