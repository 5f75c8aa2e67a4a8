"""The list of models, as each dialect writes it."""

from __future__ import annotations

from meter.simulator.wire import SNAPSHOTS, Ask, Json, Reply

CREATED = 1_735_689_600


def models(ask: Ask) -> Reply:
    """Answer GET /models and GET /models/{id}: Anthropic's shape to its client, else OpenAI's."""
    one = ask.path.rpartition("/models")[2].strip("/")
    names = [one] if one else sorted({*SNAPSHOTS.values(), "text-embedding-3-small"})
    anthropic = "anthropic-version" in ask.headers
    rows = [_anthropic(name) if anthropic else _openai(name) for name in names]
    if one:
        return Reply(rows[0])
    if anthropic:
        return Reply({"data": rows, "has_more": False, "first_id": names[0], "last_id": names[-1]})
    return Reply({"object": "list", "data": rows})


def _openai(name: str) -> Json:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "simulator"}


def _anthropic(name: str) -> Json:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}
