"""A call and a stream of every family of SDKs that there is an instrument for, by the clients and arguments of the self-test.

The simulator is asked once for each; from then on the reply comes out of memory (`tape.py`). xAI's SDK speaks gRPC, so its stub
is given methods that return what the simulator's door answered.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterator
from importlib import import_module
from typing import Any, NamedTuple

from meter.doctor.sdks import is_installed
from meter.doctor.trials import (
    ai21,
    anthropic,
    aws,
    azure,
    cohere,
    google,
    huggingface,
    mistral,
    ollama,
    openai,
    replicate,
    siblings,
    voyage,
    watsonx,
    xai,
)
from meter.doctor.trials.trial import MESSAGES
from meter.simulator import Simulator, wire
from tests.bench.cases import Case, drain
from tests.bench.tape import Tape, cut

PIECES = 100
"""Of text in a stream."""


class Family(NamedTuple):
    """How an SDK of a family is called, given a client of a server at an address."""

    sdk: str
    client: Callable[[str], Any]
    call: Callable[[Any], Any]
    stream: Callable[[Any], Any] | None = None


def groq_client(url: str) -> Any:
    return import_module("groq").Groq(api_key="sim", base_url=url, max_retries=0)


def xai_client(url: str) -> Any:
    """Return a client whose stub answers by itself, with what the simulator said once."""
    from xai_sdk import Client

    from meter.simulator.xai import door

    with door(url) as host:
        client = Client(api_key="sim", api_host=host)
        answer = xai.asking(client).sample().proto
        pieces = [chunk.proto for _, chunk in xai.asking(client).stream()]
    methods = vars(client.chat._stub)
    methods["GetCompletion"] = lambda request, **_: answer
    methods["GetCompletionChunk"] = lambda request, **_: iter(pieces)
    return client


def litellm_client(url: str) -> Any:
    from litellm import completion

    return functools.partial(completion, model="deepseek/deepseek-chat", api_key="sim", api_base=f"{url}/v1")


FAMILIES = (
    Family(
        "openai",
        lambda url: openai.client(url),
        lambda c: c.chat.completions.create(**openai.CHAT),
        lambda c: c.chat.completions.create(**openai.CHAT, stream=True),
    ),
    Family(
        "anthropic",
        lambda url: anthropic.client(url),
        lambda c: c.messages.create(**anthropic.CREATE),
        lambda c: c.messages.create(**anthropic.CREATE, stream=True),
    ),
    Family(
        "groq",
        groq_client,
        lambda c: c.chat.completions.create(**siblings.CHAT),
        lambda c: c.chat.completions.create(**siblings.CHAT, stream=True),
    ),
    Family(
        "google.genai",
        google.client,
        lambda c: c.models.generate_content(**google.GENERATE),
        lambda c: c.models.generate_content_stream(**google.GENERATE),
    ),
    Family(
        "boto3",
        aws.client,
        lambda c: c.converse(modelId=aws.MODEL, messages=aws.TURNS),
        lambda c: c.converse_stream(modelId=aws.MODEL, messages=aws.TURNS)["stream"],
    ),
    Family(
        "mistralai",
        mistral.client,
        lambda c: c.chat.complete(**mistral.CHAT),
        lambda c: c.chat.stream(**mistral.CHAT),
    ),
    Family("cohere", cohere.client, lambda c: c.chat(**cohere.CHAT), lambda c: c.chat_stream(**cohere.CHAT)),
    Family("ollama", ollama.client, lambda c: c.chat(**ollama.CHAT), lambda c: c.chat(**ollama.CHAT, stream=True)),
    Family(
        "huggingface_hub",
        huggingface.client,
        lambda c: c.chat_completion(**huggingface.CHAT),
        lambda c: c.chat_completion(**huggingface.CHAT, stream=True),
    ),
    Family(
        "azure.ai.inference",
        azure.client,
        lambda c: c.complete(**azure.CHAT),
        lambda c: c.complete(**azure.CHAT, stream=True),
    ),
    Family(
        "ai21",
        ai21.client,
        lambda c: c.chat.completions.create(**ai21.asked()),
        lambda c: c.chat.completions.create(**ai21.asked(), stream=True),
    ),
    Family(
        "ibm_watsonx_ai",
        watsonx.model,
        lambda c: c.chat(messages=MESSAGES),
        lambda c: c.chat_stream(messages=MESSAGES),
    ),
    Family(
        "litellm",
        litellm_client,
        lambda c: c(messages=MESSAGES),
        lambda c: c(messages=MESSAGES, stream=True),
    ),
    Family("xai_sdk", xai_client, lambda c: xai.asking(c).sample(), lambda c: xai.asking(c).stream()),
    Family("voyageai", voyage.client, lambda c: c.embed(**voyage.EMBED)),
    Family("replicate", replicate.client, lambda c: c.run(replicate.MODEL, input=replicate.PROMPT)),
)


def cases(sim: Simulator, only: Container[str]) -> list[Case]:
    """Return the cases of these SDKs, as far as they are installed; what a stream has is asked for once."""
    wire.Ask.pieces = property(lambda _: (" word",) * PIECES)  # type: ignore[assignment]
    cut()
    return [
        case
        for family in FAMILIES
        if family.sdk in only and is_installed(family.sdk)
        for case in _cases(family, family.client(sim.url))
    ]


def _cases(family: Family, client: Any) -> Iterator[Case]:
    yield Case(family.sdk, family.sdk, Tape().on(family.call), client=lambda _: client)
    if family.stream is not None:
        stream = Tape().on(family.stream)
        chunks = sum(1 for _ in stream(client))
        yield Case(f"{family.sdk}, streamed", family.sdk, lambda c: drain(stream(c)), False, chunks, lambda _: client)
