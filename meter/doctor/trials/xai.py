"""xAI's SDK, through a door to the simulator that speaks gRPC."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import OPENAI, Trial, read, read_async

SDK = "xai_sdk"


def asking(client: Any) -> Any:
    """Return a chat with its first message."""
    from xai_sdk.chat import user

    chat = client.chat.create(model="grok-4")
    chat.append(user("ping"))
    return chat


def sample(url: str) -> Any:
    """An answer."""
    from xai_sdk import Client

    from meter.simulator.xai import door

    with door(url) as host:
        return asking(Client(api_key="sim", api_host=host)).sample().proto


def stream(url: str) -> Any:
    """A streamed answer."""
    from xai_sdk import Client

    from meter.simulator.xai import door

    with door(url) as host:
        return [chunk.proto for _, chunk in read(asking(Client(api_key="sim", api_host=host)).stream())]


async def sample_async(url: str) -> Any:
    """An asynchronous answer."""
    from xai_sdk import AsyncClient

    from meter.simulator.xai import door

    with door(url) as host:
        return (await asking(AsyncClient(api_key="sim", api_host=host)).sample()).proto


async def stream_async(url: str) -> Any:
    """An asynchronous, streamed answer."""
    from xai_sdk import AsyncClient

    from meter.simulator.xai import door

    with door(url) as host:
        found = await read_async(asking(AsyncClient(api_key="sim", api_host=host)).stream())
        return [chunk.proto for _, chunk in found]


TRIALS = (
    Trial(SDK, "sample", sample, OPENAI),
    Trial(SDK, "sample, streamed", stream, OPENAI),
    Trial(SDK, "sample, async", sample_async, OPENAI),
    Trial(SDK, "sample, async, streamed", stream_async, OPENAI),
)
