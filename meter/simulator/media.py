"""OpenAI's images, audio and moderations."""

from __future__ import annotations

import base64

from meter.simulator import openai_chat
from meter.simulator.wire import Ask, Json, Reply, frame, streamed

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
SOUND = b"ID3\x04" + bytes(60)
"""The beginning of a sound; no player would take it, and none is asked."""


def images(ask: Ask) -> Reply:
    """Answer POST /images/…: models that are billed by the image state no usage, the others count its tokens."""
    data = [{"b64_json": PNG} for _ in range(ask.body.get("n") or 1)]
    body: Json = {"created": ask.created, "data": data}
    if not ask.model.startswith("dall-e"):
        counts = ask.counts
        total = counts.input + counts.output
        body["usage"] = ask.stated(
            {
                "input_tokens": counts.input,
                "input_tokens_details": {"image_tokens": 0, "text_tokens": counts.input},
                "output_tokens": counts.output,
                "output_tokens_details": {"image_tokens": counts.output, "text_tokens": 0},
                "total_tokens": total,
            }
        )
    return Reply(body)


def transcriptions(ask: Ask) -> Reply:
    """Answer POST /audio/transcriptions, by the second."""
    return Reply({"text": "".join(ask.pieces), "usage": ask.stated({"type": "duration", "seconds": 9})})


def speech(ask: Ask) -> Reply:
    """Answer POST /audio/speech: sound, or its events."""
    if ask.body.get("stream_format") != "sse":
        return Reply(SOUND, content_type="audio/mpeg")
    counts = ask.counts
    stated = ask.stated(
        {
            "input_tokens": counts.input,
            "output_tokens": counts.output,
            "total_tokens": counts.input + counts.output,
        }
    )
    sound = {"type": "speech.audio.delta", "audio": base64.b64encode(SOUND).decode()}
    return streamed(frame(event) for event in (sound, {"type": "speech.audio.done", "usage": stated}))


def moderations(ask: Ask) -> Reply:
    """Answer POST /moderations: free, and so without usage."""
    verdict: Json = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
    return Reply({"id": f"modr-{ask.token}", "model": ask.model, "results": [verdict]})


def rerank(ask: Ask) -> Reply:
    """Answer POST /v1/rerank with OpenAI's usage object, as Together does."""
    documents = ask.body.get("documents") or []
    results = [{"index": at, "relevance_score": 1 / (at + 1)} for at in range(len(documents))]
    return Reply({"object": "rerank", "model": ask.model, "results": results, "usage": openai_chat.usage(ask)})
