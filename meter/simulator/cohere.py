"""Cohere's chat, embeddings and rerank, in its second version."""

from __future__ import annotations

from typing import Any

from meter.simulator.openai_chat import VECTOR
from meter.simulator.wire import Ask, Json, Reply, frame, streamed

FINISH = {"stop": "COMPLETE", "length": "MAX_TOKENS", "content_filter": "ERROR_TOXIC"}


def chat(ask: Ask) -> Reply:
    """Answer POST /v2/chat."""
    if ask.streams:
        return streamed(frame(event, str(event["type"])) for event in _events(ask))
    message = {"role": "assistant", "content": [{"type": "text", "text": "".join(ask.pieces)}]}
    return Reply({"id": ask.token, "message": message, "finish_reason": FINISH[ask.finish], "usage": usage(ask)})


def usage(ask: Ask) -> Any:
    """Return the usage object: what is billed, and beside it what the model saw, its template included."""
    billed = {"input_tokens": ask.counts.input, "output_tokens": ask.counts.output}
    seen = {"input_tokens": ask.counts.input + 66, "output_tokens": ask.counts.output + 2}
    return ask.stated({"billed_units": billed, "tokens": seen})


def embed(ask: Ask) -> Reply:
    """Answer POST /v2/embed."""
    texts = ask.body.get("texts") or []
    stated = ask.stated({"api_version": {"version": "2"}, "billed_units": {"input_tokens": ask.counts.input}})
    vectors = {"float": [list(VECTOR) for _ in texts]}
    return Reply(
        {"id": ask.token, "embeddings": vectors, "texts": texts, "meta": stated, "response_type": "embeddings_by_type"}
    )


def rerank(ask: Ask) -> Reply:
    """Answer POST /v2/rerank: one search."""
    documents = ask.body.get("documents") or []
    results = [{"index": at, "relevance_score": 1 / (at + 1)} for at in range(len(documents))]
    stated = ask.stated({"api_version": {"version": "2"}, "billed_units": {"search_units": 1}})
    return Reply({"id": ask.token, "results": results, "meta": stated})


def _events(ask: Ask) -> list[Json]:
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    end = {"finish_reason": FINISH[ask.finish], "usage": usage(ask)}
    return [
        {"type": "message-start", "id": ask.token, "delta": {"message": start}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        *(
            {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}
            for piece in ask.pieces
        ),
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": end},
    ]
