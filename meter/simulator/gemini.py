"""Google's own wire: generate, stream, embed and count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meter.simulator.openai_chat import VECTOR
from meter.simulator.wire import ABSENT, Ask, Json, Reply, frame, present, streamed

FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


def generate(ask: Ask) -> Reply:
    """Answer POST …:generateContent."""
    return Reply(_answer(ask, "".join(ask.pieces), FINISH[ask.finish], usage(ask)))


def stream(ask: Ask) -> Reply:
    """Answer POST …:streamGenerateContent. Every chunk repeats the usage so far; the last one has all of it."""
    return streamed(_frames(ask))


def embed(ask: Ask) -> Reply:
    """Answer POST …:embedContent and …:batchEmbedContents."""
    total = ask.counts.input
    stated = ask.stated({"promptTokenCount": total, "promptTokenDetails": [{"modality": "TEXT", "tokenCount": total}]})
    values = {"values": list(VECTOR)}
    if "requests" in ask.body:
        return Reply(present({"embeddings": [values for _ in ask.body["requests"]], "usageMetadata": stated}))
    return Reply(present({"embedding": values, "usageMetadata": stated}))


def count(ask: Ask) -> Reply:
    """Answer POST …:countTokens."""
    return Reply({"totalTokens": ask.counts.input + ask.counts.cache_read})


def usage(ask: Ask, part: float = 1.0) -> Any:
    """Return the usage object: the prompt includes the cached, the thoughts stand beside the candidates."""
    counts = ask.counts
    prompt, output = counts.input + counts.cache_read, round(counts.output * part)
    return ask.stated(
        {
            "promptTokenCount": prompt,
            "candidatesTokenCount": output,
            "thoughtsTokenCount": counts.reasoning,
            "cachedContentTokenCount": counts.cache_read,
            "totalTokenCount": prompt + output + counts.reasoning,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": counts.cache_read}],
        }
    )


def _frames(ask: Ask) -> Iterator[bytes]:
    pieces = ask.pieces
    for number, piece in enumerate(pieces, 1):
        last = number == len(pieces)
        yield frame(_answer(ask, piece, FINISH[ask.finish] if last else ABSENT, usage(ask, number / len(pieces))))


def _answer(ask: Ask, text: str, finish: Any, stated: Any) -> Json:
    candidate = present({"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish, "index": 0})
    return present(
        {
            "candidates": [candidate],
            "usageMetadata": stated,
            "modelVersion": ask.served_model,
            "responseId": ask.token[:22],
        }
    )
