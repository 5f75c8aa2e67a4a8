"""Replicate's predictions: over with the reply where the request waits for that, else when they are looked at."""

from __future__ import annotations

from meter.simulator.wire import Ask, Json, Reply, present

CREATED = "2026-01-02T03:04:05.678901Z"


def create(ask: Ask) -> Reply:
    """Answer POST /v1/models/{owner}/{name}/predictions."""
    waits = "wait" in ask.headers.get("prefer", "")
    name = ask.path.removeprefix("/v1/models/").removesuffix("/predictions")
    return Reply(_prediction(ask, f"r{ask.token[:24]}", name, is_over=waits and not ask.streams), status=201)


def retrieve(ask: Ask) -> Reply:
    """Answer GET /v1/predictions/{id}."""
    return Reply(_prediction(ask, ask.path.rpartition("/")[2], "meta/llama", is_over=True))


def _prediction(ask: Ask, name: str, model: str, *, is_over: bool) -> Json:
    body: Json = {
        "id": name,
        "model": model,
        "version": "hidden",
        "input": {"prompt": "ping"},
        "logs": "",
        "output": None,
        "error": None,
        "status": "starting",
        "created_at": CREATED,
        "urls": {},
    }
    if is_over:
        counts = {"input_token_count": ask.counts.input, "output_token_count": ask.counts.output}
        body |= {"status": "succeeded", "output": list(ask.pieces)}
        body["metrics"] = ask.stated({"predict_time": 0.25, **counts})
    return present(body)
