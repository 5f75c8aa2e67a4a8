"""Amazon Bedrock through aiobotocore, which aioboto3 stands on."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from meter.doctor.trials.aws import BODY, HEADERS, MODEL, TURNS, USAGE
from meter.doctor.trials.trial import Trial, read_async

SDK = "aiobotocore"


def client(url: str) -> AbstractAsyncContextManager[Any]:
    """Return what opens a client of the simulator."""
    from aiobotocore.session import get_session

    found: AbstractAsyncContextManager[Any] = get_session().create_client(
        "bedrock-runtime",
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="sim",
        aws_secret_access_key="sim",
    )
    return found


async def converse(url: str) -> Any:
    """A conversation."""
    async with client(url) as bedrock:
        return await bedrock.converse(modelId=MODEL, messages=TURNS)


async def converse_stream(url: str) -> Any:
    """A streamed conversation."""
    async with client(url) as bedrock:
        return await read_async((await bedrock.converse_stream(modelId=MODEL, messages=TURNS))["stream"])


async def invoke(url: str) -> Any:
    """A model that is invoked with a body of its own."""
    async with client(url) as bedrock:
        return await (await bedrock.invoke_model(modelId=MODEL, body=BODY))["body"].read()


async def invoke_stream(url: str) -> Any:
    """The same, streamed."""
    async with client(url) as bedrock:
        return await read_async((await bedrock.invoke_model_with_response_stream(modelId=MODEL, body=BODY))["body"])


TRIALS = (
    Trial(SDK, "converse", converse, USAGE, HEADERS),
    Trial(SDK, "converse, streamed", converse_stream, USAGE, HEADERS),
    Trial(SDK, "invoke model", invoke, HEADERS),
    Trial(SDK, "invoke model, streamed", invoke_stream, USAGE),
)
