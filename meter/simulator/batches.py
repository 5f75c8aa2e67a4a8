"""Batches of several vendors: done as soon as they are made, with two answers of different models, and an error."""

from __future__ import annotations

import json
from uuid import NAMESPACE_URL, uuid5

from meter.simulator import anthropic_messages, gemini, openai_chat
from meter.simulator.counts import ANTHROPIC, OPENAI
from meter.simulator.wire import Ask, Json, Reply, dig

CREATED = 1_763_000_000
CREATED_AT = "2025-11-13T02:13:20Z"
MODELS = ("gpt-4o-mini", "gpt-4.1")
GEMINIS = ("gemini-2.5-flash", "gemini-2.5-pro")
CLAUDES = ("claude-haiku-4-5", "claude-sonnet-4-5")


def create(ask: Ask) -> Reply:
    """Answer POST /batches."""
    return Reply(_batch(f"batch_{ask.token[:24]}"))


def retrieve(ask: Ask) -> Reply:
    """Answer GET /batches/{id}."""
    return Reply(_batch(ask.path.rpartition("/")[2]))


def content(ask: Ask) -> Reply:
    """Answer GET /files/{id}/content: the results of the batch that the file's name tells, or a file of another kind."""
    name = ask.path.split("/")[-2].removeprefix("file-")
    if not name.startswith("batch_"):
        return Reply(b'{"messages": [{"role": "user", "content": "ping"}]}\n', content_type="application/octet-stream")
    rows = [_row(name, number, model, ask) for number, model in enumerate(MODELS)]
    rows.append(
        {
            "id": f"batch_req_{name}_error",
            "custom_id": "error",
            "response": {"status_code": 429, "request_id": "r", "body": {"error": {"code": "rate_limit_exceeded"}}},
            "error": None,
        }
    )
    return Reply(_lines(rows), content_type="application/octet-stream")


def create_messages(ask: Ask) -> Reply:
    """Answer POST /messages/batches."""
    return Reply(_messages(f"msgbatch_{ask.token[:24]}"))


def retrieve_messages(ask: Ask) -> Reply:
    """Answer GET /messages/batches/{id}."""
    return Reply(_messages(ask.path.rpartition("/")[2], f"http://{ask.headers['host']}{ask.path}/results"))


def results(ask: Ask) -> Reply:
    """Answer GET /messages/batches/{id}/results."""
    name = ask.path.split("/")[-2]
    rows: list[Json] = []
    for number, model in enumerate(CLAUDES):
        asked = Ask(ask.path, {}, {"model": model}, ANTHROPIC, tier="batch", token=f"{number}{name[-24:]:0>24}")
        rows.append(
            {
                "custom_id": str(number),
                "result": {"type": "succeeded", "message": anthropic_messages.messages(asked).body},
            }
        )
    rows.append({"custom_id": "error", "result": {"type": "errored", "error": {"type": "error"}}})
    return Reply(_lines(rows), content_type="application/x-jsonl")


def create_job(ask: Ask) -> Reply:
    """Answer POST /batch/jobs."""
    return Reply(_job(f"job-{ask.token[:24]}"))


def retrieve_job(ask: Ask) -> Reply:
    """Answer GET /batch/jobs/{id}."""
    return Reply(_job(ask.path.rpartition("/")[2]))


def create_operation(ask: Ask) -> Reply:
    """Answer POST …:batchGenerateContent: what it was asked inline or in a file tells how the results come."""
    source = dig(ask.body, "batch", "inputConfig") or {}
    return Reply({"name": f"batches/{'file' if 'fileName' in source else 'inline'}-{ask.token[:24]}", "metadata": {}})


def retrieve_operation(ask: Ask) -> Reply:
    """Answer GET /batches/{name}, as Google does."""
    name = ask.path.rpartition("/")[2]
    if name.startswith("file-"):
        output: Json = {"responsesFile": f"files/batch-{name}"}
    else:
        output = {"inlinedResponses": {"inlinedResponses": _generated(name, ask)}}
    told = {"model": "models/gemini-2.5-flash", "state": "BATCH_STATE_SUCCEEDED", "createTime": CREATED_AT}
    return Reply({"name": f"batches/{name}", "metadata": {**told, "output": output}, "done": True})


def download(ask: Ask) -> Reply:
    """Answer GET /files/{name}:download: the results of the batch that the file's name tells, or a file of another kind."""
    name = ask.path.rpartition("/")[2].removesuffix(":download")
    if not name.startswith("batch-"):
        return Reply(b"\x00\x00\x00\x18ftyp", content_type="video/mp4")
    rows = [{"key": str(number), **row} for number, row in enumerate(_generated(name, ask))]
    return Reply(_lines(rows), content_type="application/octet-stream")


def _generated(name: str, ask: Ask) -> list[Json]:
    rows: list[Json] = []
    for number, model in enumerate(GEMINIS):
        asked = Ask(ask.path, {}, {"model": model}, OPENAI, token=f"{number}{name[-21:]:0>21}")
        rows.append({"response": gemini.generate(asked).body})
    return [*rows, {"error": {"code": 13, "message": "none"}}]


def _job(name: str) -> Json:
    return {
        "id": name,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "input_files": [str(uuid5(NAMESPACE_URL, name))],
        "model": MODELS[0],
        "status": "SUCCESS",
        "created_at": CREATED,
        "output_file": f"file-batch_{name}",
        "errors": [],
        "total_requests": 3,
        "completed_requests": 3,
        "succeeded_requests": 2,
        "failed_requests": 1,
    }


def _batch(name: str) -> Json:
    return {
        "id": name,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "input_file_id": "file-input",
        "completion_window": "24h",
        "status": "completed",
        "output_file_id": f"file-{name}",
        "created_at": CREATED,
        "request_counts": {"total": 3, "completed": 2, "failed": 1},
    }


def _row(name: str, number: int, model: str, ask: Ask) -> Json:
    asked = Ask(ask.path, {}, {"model": model}, OPENAI, created=CREATED + 60, token=f"{number}{name[-20:]}")
    reply = {"status_code": 200, "request_id": "r", "body": openai_chat.chat(asked).body}
    return {"id": f"batch_req_{name}_{number}", "custom_id": str(number), "response": reply, "error": None}


def _messages(name: str, results_url: str | None = None) -> Json:
    return {
        "id": name,
        "type": "message_batch",
        "processing_status": "ended",
        "created_at": CREATED_AT,
        "expires_at": "2025-11-14T02:13:20Z",
        "request_counts": {"processing": 0, "succeeded": 2, "errored": 1, "canceled": 0, "expired": 0},
        "results_url": results_url,
    }


def _lines(rows: list[Json]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
