"""azure-ai-inference."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import MESSAGES, OPENAI, Trial, read, read_async

SDK = "azure.ai.inference"
CHAT: dict[str, Any] = {"model": "mistral-large", "messages": MESSAGES}


def client(url: str, kind: str = "ChatCompletionsClient", **more: Any) -> Any:
    """Return a client of the simulator."""
    from azure.ai import inference
    from azure.core.credentials import AzureKeyCredential

    return getattr(inference, kind)(endpoint=url, credential=AzureKeyCredential("sim"), retry_total=0, **more)


def async_client(url: str, **more: Any) -> Any:
    """Return an asynchronous client of the simulator, to be used as a context."""
    from azure.ai.inference.aio import ChatCompletionsClient
    from azure.core.credentials import AzureKeyCredential

    return ChatCompletionsClient(endpoint=url, credential=AzureKeyCredential("sim"), retry_total=0, **more)


def chat(url: str) -> Any:
    """A chat."""
    return client(url).complete(**CHAT)


def chat_stream(url: str) -> Any:
    """A streamed chat."""
    return read(client(url).complete(stream=True, **CHAT))


async def chat_async(url: str) -> Any:
    """An asynchronous chat."""
    async with async_client(url) as chat:
        return await chat.complete(**CHAT)


async def chat_async_stream(url: str) -> Any:
    """An asynchronous, streamed chat."""
    async with async_client(url) as chat:
        return await read_async(await chat.complete(stream=True, **CHAT))


def embed(url: str) -> Any:
    """An embedding."""
    return client(url, "EmbeddingsClient").embed(model="embed-v4", input=["ping"])


def embed_image(url: str) -> Any:
    """An embedding of an image."""
    from azure.ai.inference.models import ImageEmbeddingInput

    images = [ImageEmbeddingInput(image="data:image/png;base64,")]
    return client(url, "ImageEmbeddingsClient").embed(model="embed-v4", input=images)


TRIALS = (
    Trial(SDK, "chat", chat, OPENAI),
    Trial(SDK, "chat, streamed", chat_stream, OPENAI),
    Trial(SDK, "chat, async", chat_async, OPENAI),
    Trial(SDK, "chat, async, streamed", chat_async_stream, OPENAI),
    Trial(SDK, "embed", embed, {"input": 11}),
    Trial(SDK, "embed, image", embed_image, {"input": 11}),
)
