"""OpenAI's SDK."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import MESSAGES, OPENAI, Trial, needed, read, read_async

CHAT: dict[str, Any] = {"model": "gpt-4o-mini", "messages": MESSAGES}


def client(url: str) -> Any:
    """Return a client of the simulator."""
    from openai import OpenAI

    return OpenAI(api_key="sk-sim", base_url=f"{url}/v1", max_retries=0)


def async_client(url: str) -> Any:
    """Return an asynchronous client of the simulator."""
    from openai import AsyncOpenAI

    return AsyncOpenAI(api_key="sk-sim", base_url=f"{url}/v1", max_retries=0)


def chat(url: str) -> Any:
    """A chat completion."""
    with client(url) as openai:
        return openai.chat.completions.create(**CHAT)


def chat_stream(url: str) -> Any:
    """A streamed chat completion that does not ask for usage by itself."""
    with client(url) as openai, openai.chat.completions.create(**CHAT, stream=True) as stream:
        return read(stream)


async def chat_async(url: str) -> Any:
    """A chat completion of the asynchronous client."""
    async with async_client(url) as openai:
        return await openai.chat.completions.create(**CHAT)


async def chat_async_stream(url: str) -> Any:
    """A streamed chat completion of the asynchronous client."""
    async with async_client(url) as openai, await openai.chat.completions.create(**CHAT, stream=True) as stream:
        return await read_async(stream)


def responses(url: str) -> Any:
    """A response."""
    with client(url) as openai:
        return needed(openai, "responses").create(model="gpt-4o-mini", input="ping")


def responses_stream(url: str) -> Any:
    """A streamed response."""
    with client(url) as openai:
        return read(needed(openai, "responses").create(model="gpt-4o-mini", input="ping", stream=True))


def embeddings(url: str) -> Any:
    """An embedding."""
    with client(url) as openai:
        return openai.embeddings.create(model="text-embedding-3-small", input="ping")


def images(url: str) -> Any:
    """Two images of a model that is billed by the image."""
    with client(url) as openai:
        return openai.images.generate(model="dall-e-3", prompt="ping", n=2)


def image_tokens(url: str) -> Any:
    """An image of a model that is billed by the token."""
    with client(url) as openai:
        return openai.images.generate(model="gpt-image-1", prompt="ping")


def transcription(url: str) -> Any:
    """A transcription."""
    with client(url) as openai:
        return openai.audio.transcriptions.create(model="whisper-1", file=("ping.mp3", b"ping"))


def speech(url: str) -> Any:
    """A spoken text."""
    with client(url) as openai:
        return openai.audio.speech.create(model="tts-1", voice="alloy", input="ping").read()


def moderation(url: str) -> Any:
    """A moderation, which is free."""
    with client(url) as openai:
        return openai.moderations.create(model="omni-moderation-latest", input="ping")


TRIALS = (
    Trial("openai", "chat", chat, OPENAI),
    Trial("openai", "chat, streamed", chat_stream, OPENAI),
    Trial("openai", "chat, async", chat_async, OPENAI),
    Trial("openai", "chat, async, streamed", chat_async_stream, OPENAI),
    Trial("openai", "responses", responses, OPENAI),
    Trial("openai", "responses, streamed", responses_stream, OPENAI),
    Trial("openai", "embeddings", embeddings, {"input": 11}),
    Trial("openai", "images, by the image", images, {"images": 2}),
    Trial("openai", "images, by the token", image_tokens, {"input": 8, "output_image": 5}),
    Trial("openai", "transcription", transcription, {"audio_seconds": 9}),
    Trial("openai", "speech", speech, {"characters": 4}),
    Trial("openai", "moderation", moderation, {}),
)
