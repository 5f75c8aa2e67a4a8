"""What the simulator answers to: each kind of request, how it is recognised, and the counts that it states."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from meter.simulator import (
    anthropic_messages,
    batches,
    bedrock,
    catalogue,
    cohere,
    counts,
    gemini,
    interactions,
    media,
    ollama,
    openai_chat,
    openai_responses,
    openai_runs,
    replicate,
    voyage,
    watsonx,
)
from meter.simulator.counts import Counts
from meter.simulator.wire import Ask, Reply


class Route(NamedTuple):
    """One kind of request: what it is called, how it is recognised and answered, and the fixture's counts."""

    api: str
    method: str
    path: re.Pattern[str]
    answer: Callable[[Ask], Reply]
    fixture: Counts = counts.OPENAI


ROUTES = (
    Route("watsonx.embeddings", "POST", re.compile("/text/embeddings$"), watsonx.embeddings, counts.EMBEDDINGS),
    Route("voyage.embeddings", "POST", re.compile("^/voyage/v1/embeddings$"), voyage.embeddings, counts.EMBEDDINGS),
    Route(
        "voyage.embeddings",
        "POST",
        re.compile("^/voyage/v1/contextualizedembeddings$"),
        voyage.contextualized,
        counts.EMBEDDINGS,
    ),
    Route(
        "voyage.embeddings",
        "POST",
        re.compile("^/voyage/v1/multimodalembeddings$"),
        voyage.multimodal,
        counts.EMBEDDINGS,
    ),
    Route("voyage.rerank", "POST", re.compile("^/voyage/v1/rerank$"), voyage.rerank, counts.EMBEDDINGS),
    Route("openai.chat", "POST", re.compile("/chat/completions$"), openai_chat.chat),
    Route("openai.completions", "POST", re.compile("/completions$"), openai_chat.completions),
    Route("openai.embeddings", "POST", re.compile("/embeddings$"), openai_chat.embeddings, counts.EMBEDDINGS),
    Route("openai.responses", "POST", re.compile("/responses$"), openai_responses.responses),
    Route("openai.runs", "POST", re.compile("/threads/([^/]+/)?runs$"), openai_runs.create),
    Route("openai.runs.more", "POST", re.compile("/runs/[^/]+/submit_tool_outputs$"), openai_runs.go_on),
    Route("openai.input_tokens", "POST", re.compile("/responses/input_tokens$"), openai_responses.input_tokens),
    Route("anthropic.messages", "POST", re.compile("/messages$"), anthropic_messages.messages, counts.ANTHROPIC),
    Route(
        "anthropic.count_tokens",
        "POST",
        re.compile("/count_tokens$"),
        anthropic_messages.count_tokens,
        counts.ANTHROPIC,
    ),
    Route("gemini.generate_content", "POST", re.compile(r"/models/[^/:]+:generateContent$"), gemini.generate),
    Route("gemini.generate_content", "POST", re.compile(r"/models/[^/:]+:streamGenerateContent$"), gemini.stream),
    Route(
        "gemini.embed_content",
        "POST",
        re.compile(r"/models/[^/:]+:(batchEmbedContents|embedContent)$"),
        gemini.embed,
        counts.EMBEDDINGS,
    ),
    Route("gemini.count_tokens", "POST", re.compile(r"/models/[^/:]+:countTokens$"), gemini.count),
    Route("gemini.interactions", "POST", re.compile("/interactions$"), interactions.create),
    Route("gemini.decisions", "POST", re.compile("/decisions$"), interactions.decide),
    Route("bedrock.converse", "POST", re.compile("/converse$"), bedrock.converse, counts.BEDROCK),
    Route("bedrock.converse", "POST", re.compile("/converse-stream$"), bedrock.converse_stream, counts.BEDROCK),
    Route("bedrock.invoke_model", "POST", re.compile("/invoke$"), bedrock.invoke, counts.BEDROCK),
    Route(
        "bedrock.invoke_model",
        "POST",
        re.compile("/invoke-with-response-stream$"),
        bedrock.invoke_stream,
        counts.BEDROCK,
    ),
    Route("cohere.chat", "POST", re.compile("/v2/chat$"), cohere.chat),
    Route("cohere.embed", "POST", re.compile("/v2/embed$"), cohere.embed, counts.EMBEDDINGS),
    Route("cohere.rerank", "POST", re.compile("/v2/rerank$"), cohere.rerank),
    Route("ollama.chat", "POST", re.compile("/api/chat$"), ollama.chat),
    Route("ollama.generate", "POST", re.compile("/api/generate$"), ollama.generate),
    Route("ollama.embed", "POST", re.compile("/api/embed$"), ollama.embed, counts.EMBEDDINGS),
    Route("watsonx.generation", "POST", re.compile("/text/generation$"), watsonx.generation),
    Route("watsonx.generation", "POST", re.compile("/text/generation_stream$"), watsonx.generation_stream),
    Route("watsonx.chat", "POST", re.compile("/text/chat$"), watsonx.chat),
    Route("watsonx.chat", "POST", re.compile("/text/chat_stream$"), watsonx.chat_stream),
    Route("watsonx.rerank", "POST", re.compile("/text/rerank$"), watsonx.rerank, counts.EMBEDDINGS),
    Route("openai.images", "POST", re.compile("/images/(generations|edits|variations)$"), media.images),
    Route("openai.audio_transcriptions", "POST", re.compile("/audio/trans(criptions|lations)$"), media.transcriptions),
    Route("openai.audio_speech", "POST", re.compile("/audio/speech$"), media.speech),
    Route("openai.moderations", "POST", re.compile("/moderations$"), media.moderations),
    Route("together.rerank", "POST", re.compile("/v1/rerank$"), media.rerank),
    Route("writer.chat", "POST", re.compile("/v1/chat$"), openai_chat.chat),
    Route("mistral.batches", "POST", re.compile("/batch/jobs$"), batches.create_job),
    Route("mistral.batches", "GET", re.compile("/batch/jobs/[^/]+$"), batches.retrieve_job),
    Route("gemini.batches", "POST", re.compile(r"/models/[^/:]+:batchGenerateContent$"), batches.create_operation),
    Route("gemini.batches", "GET", re.compile("/batches/(inline|file)-[^/]+$"), batches.retrieve_operation),
    Route("gemini.files", "GET", re.compile(r"/files/[^/]+:download$"), batches.download),
    Route("openai.batches", "POST", re.compile(r"(?<!messages)/batches$"), batches.create),
    Route("openai.batches", "GET", re.compile(r"(?<!messages)/batches/[^/]+$"), batches.retrieve),
    Route("openai.files", "GET", re.compile("/files/[^/]+/content$"), batches.content),
    Route("anthropic.batches", "POST", re.compile("/messages/batches$"), batches.create_messages),
    Route("anthropic.batches", "GET", re.compile("/messages/batches/[^/]+$"), batches.retrieve_messages),
    Route("anthropic.batches", "GET", re.compile("/messages/batches/[^/]+/results$"), batches.results),
    Route("replicate.predictions", "POST", re.compile("^/v1/models/[^/]+/[^/]+/predictions$"), replicate.create),
    Route("replicate.predictions", "GET", re.compile("^/v1/predictions/[^/]+$"), replicate.retrieve),
    Route("models", "GET", re.compile("/models(/[^/]+)?$"), catalogue.models),
)
