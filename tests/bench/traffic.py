"""Made-up calls with the entropy of real ones: what compresses well in production compresses well here, and what does not, not.

Services have their own team, key, project and favourite models; customers follow a power law; token counts and durations are
log-normal; ids are random. The calls of several processes run at once and lie in segments of their own. No text is made up, since
none is recorded. Seeded: the same arguments give the same calls.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from meter import event
from meter.spool import Writer

START_US = 1_790_000_000_000_000
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
PROCESSES = 8


class Shape(NamedTuple):
    """Which fields a line has beside the measures."""

    name: str
    response_ids: bool
    trace_ids: bool
    raw: bool
    origin: bool = True  # account, project, key and the like


SHORT = Shape("measures only", False, False, False, origin=False)
LEAN = Shape("no ids, no raw usage", False, False, False)
WITH_IDS = Shape("with ids", True, True, False)
FULL = Shape("with ids and raw usage", True, True, True)
SHAPES = (SHORT, LEAN, WITH_IDS, FULL)


class Model(NamedTuple):
    """A model as asked for and as answered, and how it is used."""

    provider: str
    request: str
    response: str
    weight: int
    thinks: bool = False


MODELS = (
    Model("openai", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", 30),
    Model("openai", "gpt-4o", "gpt-4o-2024-08-06", 12),
    Model("openai", "gpt-4.1", "gpt-4.1-2025-04-14", 8),
    Model("openai", "gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", 8),
    Model("openai", "gpt-5", "gpt-5-2025-08-07", 8, thinks=True),
    Model("openai", "gpt-5-mini", "gpt-5-mini-2025-08-07", 8, thinks=True),
    Model("openai", "o4-mini", "o4-mini-2025-04-16", 3, thinks=True),
    Model("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 12),
    Model("anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001", 8),
    Model("anthropic", "claude-opus-4-1", "claude-opus-4-1-20250805", 3),
)


class Service:
    """A process of a service: what all its calls have in common."""

    def __init__(self, dice: random.Random, number: int) -> None:
        self.service = f"service-{number % 6}"
        self.host = f"node-{number % 3}.eu-west-1.internal"
        self.pid = 1000 + dice.randrange(60_000)
        self.team = f"team-{number % 4}"
        self.features = [f"feature-{number}-{i}" for i in range(5)]
        self.models = dice.sample(MODELS, 3, counts=[model.weight for model in MODELS])
        self.account, self.project = f"org-{token(dice, 24)}", f"proj_{token(dice, 24)}"
        self.key = f"{dice.getrandbits(48):012x}"


def calls(count: int, shape: Shape, seed: int = 7) -> Iterator[tuple[int, event.Call]]:
    """Yield process number and call, in the order of time."""
    dice = random.Random(seed)
    services = [Service(dice, number) for number in range(PROCESSES)]
    now_us = START_US
    for _ in range(count):
        now_us += 1 + int(dice.expovariate(1 / 5000))  # 200 calls a second on this host
        number = dice.randrange(PROCESSES)
        yield number, one_call(dice, services[number], now_us, shape)


def one_call(dice: random.Random, service: Service, ts: int, shape: Shape) -> event.Call:
    model = dice.choice(service.models)
    call = event.Call(event.SCHEMA, f"{ts // 1000:012x}{dice.getrandbits(80):020x}", ts)
    call.service, call.pid, call.provider, call.operation = service.service, service.pid, model.provider, "chat"
    call.request_model, call.response_model, call.status = model.request, model.response, "ok"
    if shape.origin:
        call.host, call.attempts, call.billed = service.host, 1, True
        call.account, call.project, call.key = service.account, service.project, service.key
    call.tags = {
        "team": service.team,
        "feature": dice.choice(service.features),
        "customer": f"c-{min(int(dice.paretovariate(1.1)), 5000)}",
    }
    call.dur = int(dice.lognormvariate(14, 0.7))
    if dice.random() < 0.5:
        call.stream, call.chunks, call.ttft = True, dice.randrange(20, 600), int(call.dur * dice.uniform(0.05, 0.4))
    if shape.trace_ids:
        call.trace, call.span = f"{dice.getrandbits(128):032x}", f"{dice.getrandbits(64):016x}"
    if dice.random() < 0.01:
        call.status, call.error, call.source = "error", "RateLimitError", "missing"
        call.response_model = call.billed = None
        return call
    call.source = "reported"
    used = (openai_usage if model.provider == "openai" else anthropic_usage)(dice, call, model)
    if not shape.origin:
        call.server = call.api = call.tier = None
    if shape.raw:
        call.raw = used
    if shape.response_ids:
        call.response_id = f"chatcmpl-{token(dice, 29)}" if model.provider == "openai" else f"msg_01{token(dice, 22)}"
    return call


def openai_usage(dice: random.Random, call: event.Call, model: Model) -> dict[str, Any]:
    total, output, cached = counts(dice)
    reasoning = int(output * dice.uniform(0.2, 0.9)) if model.thinks else 0
    call.server, call.api, call.tier = "api.openai.com", "openai.chat", "default"
    call.usage = {"input": total - cached, "cache_read": cached, "output": output - reasoning, "reasoning": reasoning}
    return {
        "prompt_tokens": total,
        "completion_tokens": output,
        "total_tokens": total + output,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def anthropic_usage(dice: random.Random, call: event.Call, model: Model) -> dict[str, Any]:
    total, output, cached = counts(dice)
    written = dice.randrange(200, 4000) if dice.random() < 0.1 else 0
    call.server, call.api, call.tier = "api.anthropic.com", "anthropic.messages", "standard"
    call.usage = {
        "input": total - cached,
        "cache_read": cached,
        "cache_write_5m": written,
        "cache_write_1h": 0,
        "output": output,
    }
    return {
        "input_tokens": total - cached,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    }


def counts(dice: random.Random) -> tuple[int, int, int]:
    """Return total input, output, and the cached part of the input: in blocks of 128, for a third of the calls."""
    total = 8 + int(dice.lognormvariate(7, 1.1))
    cached = total * dice.randrange(3, 10) // 10 // 128 * 128 if dice.random() < 0.35 else 0
    return total, 1 + int(dice.lognormvariate(5.2, 0.9)), cached


def token(dice: random.Random, length: int) -> str:
    return "".join(dice.choices(ALPHABET, k=length))


def spool(folder: Path, count: int, shape: Shape, note: Any = lambda: None) -> int:
    """Write the calls as their processes would have, and return the bytes of all lines."""
    folder.mkdir(parents=True, exist_ok=True)
    writers = [Writer(folder, max_bytes=1 << 40, segment_seconds=1e9) for _ in range(PROCESSES)]
    size = 0
    for made, (number, call) in enumerate(calls(count, shape)):
        line = event.encode(call)
        size += len(line)
        writers[number].append(line)
        if made % 10_000 == 0:
            note()
    for writer in writers:
        writer.close()
    return size
