"""IBM watsonx.ai's SDK. It takes no address but IBM's; only afterwards is it led to the simulator."""

from __future__ import annotations

from typing import Any

from meter.doctor.trials.trial import MESSAGES, OPENAI, Trial, read, read_async

SDK = "ibm_watsonx_ai"
TEXT = {"input": 8, "output": 5}


def client(url: str) -> Any:
    """Return a client of the simulator."""
    from ibm_watsonx_ai import APIClient, Credentials

    made = APIClient(Credentials(url="https://us-south.ml.cloud.ibm.com", token="sim"))
    made.default_project_id = "project-1"
    made._href_definitions.url = url
    return made


def model(url: str) -> Any:
    """Return a model of the simulator's."""
    from ibm_watsonx_ai.foundation_models import ModelInference

    granite = "ibm/granite-3-8b-instruct"
    return ModelInference(
        model_id=granite, api_client=client(url), project_id="project-1", validate=False, max_retries=0
    )


def chat(url: str) -> Any:
    """A chat."""
    return model(url).chat(messages=MESSAGES)


def chat_stream(url: str) -> Any:
    """A streamed chat."""
    return read(model(url).chat_stream(messages=MESSAGES))


async def chat_async(url: str) -> Any:
    """An asynchronous chat."""
    return await model(url).achat(messages=MESSAGES)


async def chat_async_stream(url: str) -> Any:
    """An asynchronous, streamed chat."""
    return await read_async(await model(url).achat_stream(messages=MESSAGES))


def generate(url: str) -> Any:
    """Generated text."""
    return model(url).generate("ping")


def generate_stream(url: str) -> Any:
    """Generated text, streamed."""
    return read(model(url).generate_text_stream("ping"))


def embed(url: str) -> Any:
    """An embedding."""
    from ibm_watsonx_ai.foundation_models import Embeddings

    made = Embeddings(model_id="ibm/slate-30m-english-rtrvr", api_client=client(url), project_id="project-1")
    return made.generate(["ping"])


def rerank(url: str) -> Any:
    """A rerank."""
    from ibm_watsonx_ai.foundation_models import Rerank

    made = Rerank(model_id="cross-encoder/ms-marco-minilm-l-12-v2", api_client=client(url), project_id="project-1")
    return made.generate(query="ping", inputs=["ping", "pong"])


TRIALS = (
    Trial(SDK, "chat", chat, OPENAI),
    Trial(SDK, "chat, streamed", chat_stream, OPENAI),
    Trial(SDK, "chat, async", chat_async, OPENAI),
    Trial(SDK, "chat, async, streamed", chat_async_stream, OPENAI),
    Trial(SDK, "generate", generate, TEXT),
    Trial(SDK, "generate, streamed", generate_stream, TEXT),
    Trial(SDK, "embed", embed, {"input": 11}),
    Trial(SDK, "rerank", rerank, {"input": 11}),
)
