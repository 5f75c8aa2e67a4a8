"""Amazon Bedrock through boto3."""

from __future__ import annotations

import json
from typing import Any

from meter.doctor.trials.trial import MESSAGES, Trial, read

SDK = "botocore"
MODEL = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
TURNS: list[dict[str, Any]] = [{"role": "user", "content": [{"text": "ping"}]}]
BODY = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": MESSAGES})

USAGE = {"input": 11, "cache_read": 3, "cache_write_5m": 4, "cache_write_1h": 1, "output": 7}

HEADERS = {"input": 11, "cache_read": 3, "cache_write": 5, "output": 7}
"""What the headers of an answer say whose body belongs to the caller, and what early versions read of a body."""


def client(url: str) -> Any:
    """Return a client of the simulator."""
    import botocore.session

    return botocore.session.Session().create_client(
        "bedrock-runtime",
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="sim",
        aws_secret_access_key="sim",
    )


def converse(url: str) -> Any:
    """A conversation."""
    return client(url).converse(modelId=MODEL, messages=TURNS)


def converse_stream(url: str) -> Any:
    """A streamed conversation."""
    return read(client(url).converse_stream(modelId=MODEL, messages=TURNS)["stream"])


def invoke(url: str) -> Any:
    """A model that is invoked with a body of its own."""
    return client(url).invoke_model(modelId=MODEL, body=BODY)["body"].read()


def invoke_stream(url: str) -> Any:
    """The same, streamed."""
    return read(client(url).invoke_model_with_response_stream(modelId=MODEL, body=BODY)["body"])


TRIALS = (
    Trial(SDK, "converse", converse, USAGE, HEADERS),
    Trial(SDK, "converse, streamed", converse_stream, USAGE, HEADERS),
    Trial(SDK, "invoke model", invoke, HEADERS),
    Trial(SDK, "invoke model, streamed", invoke_stream, USAGE),
)
