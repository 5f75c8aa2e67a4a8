"""IBM watsonx.ai: text generation, chat, embeddings, rerank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meter.simulator import openai_chat
from meter.simulator.openai_chat import VECTOR
from meter.simulator.wire import ABSENT, Ask, Json, Reply, frame, present, streamed


def generation(ask: Ask) -> Reply:
    """Answer POST /ml/v1/text/generation."""
    return Reply(_generated(ask, "".join(ask.pieces), ask.counts.output, ask.counts.input))


def generation_stream(ask: Ask) -> Reply:
    """Answer POST /ml/v1/text/generation_stream: the input is counted first, and the output's count runs on."""
    return streamed(_generations(ask))


def chat(ask: Ask) -> Reply:
    """Answer POST /ml/v1/text/chat."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "".join(ask.pieces)}, "finish_reason": "stop"}
    return Reply(_chatted(ask, [choice], openai_chat.usage(ask)))


def chat_stream(ask: Ask) -> Reply:
    """Answer POST /ml/v1/text/chat_stream."""
    return streamed(_chunks(ask))


def embeddings(ask: Ask) -> Reply:
    """Answer POST /ml/v1/text/embeddings."""
    return Reply(_counted(ask, [{"embedding": list(VECTOR)} for _ in ask.body["inputs"]]))


def rerank(ask: Ask) -> Reply:
    """Answer POST /ml/v1/text/rerank."""
    return Reply(_counted(ask, [{"index": at, "score": 1 / (at + 1)} for at in range(len(ask.body["inputs"]))]))


def _model(ask: Ask) -> str:
    return str(ask.body.get("model_id") or "ibm/granite-3-8b-instruct")


def _generated(ask: Ask, text: str, output: int, given: int) -> Json:
    counted = ask.stated({"generated_token_count": output, "input_token_count": given})
    counts: Json = {} if counted is ABSENT else counted
    return {"model_id": _model(ask), "results": [{"generated_text": text, **counts, "stop_reason": "eos_token"}]}


def _generations(ask: Ask) -> Iterator[bytes]:
    pieces = ask.pieces
    for number, piece in enumerate(pieces, 1):
        given = ask.counts.input if number == 1 else 0
        yield frame(_generated(ask, piece, round(ask.counts.output * number / len(pieces)), given), "message")


def _chatted(ask: Ask, choices: list[Json], stated: Any) -> Json:
    return present({"id": f"chat-{ask.token}", "model_id": _model(ask), "choices": choices, "usage": stated})


def _chunks(ask: Ask) -> Iterator[bytes]:
    for piece in ask.pieces:
        choice = {"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}
        yield frame(_chatted(ask, [choice], ABSENT), "message")
    yield frame(_chatted(ask, [{"index": 0, "delta": {}, "finish_reason": "stop"}], ABSENT), "message")
    yield frame(_chatted(ask, [], openai_chat.usage(ask)), "message")


def _counted(ask: Ask, results: list[Json]) -> Json:
    stated = ask.stated({"input_token_count": ask.counts.input})
    return {"model_id": _model(ask), "results": results, **({} if stated is ABSENT else stated)}
