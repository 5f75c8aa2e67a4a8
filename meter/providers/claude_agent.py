"""The Claude Agent SDK's own words: a program makes the calls, and tells at the end of each turn what they used, by model.

Each answer comes in pieces, all with the usage as it stood when the answer began: its input is known, its output is not. The
output of a turn is only known as the sum that its result states. So each answer is a call with its own input, for prices go by
it, and the turn's output stands with the last of them. What the sum has beyond that (calls that were not shown) is one more call.

The sums run on over a session; newer programs state them since the last result as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from meter.providers.messages import MESSAGES
from meter.providers.reading import dig, merge

Json = dict[str, Any]

TURNS = replace(MESSAGES, api="anthropic.agent", paths=(), events=None, placeholder=())
"""Anthropic's wire, as the program hands it on."""

PROVIDERS = {
    "bedrock": "aws.bedrock",
    "mantle": "aws.bedrock",
    "vertex": "gcp.vertex_ai",
    "foundry": "azure.ai.inference",
}
"""The program's word for who is called, where that is not Anthropic → the provider."""
SWITCHES = {f"CLAUDE_CODE_USE_{word.upper()}": word for word in PROVIDERS}
"""Variable that makes the program call another → its word."""

INPUTS = {
    "inputTokens": "input_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheCreationInputTokens": "cache_creation_input_tokens",
    "cacheCreationEphemeral5mInputTokens": "cache_creation.ephemeral_5m_input_tokens",
    "cacheCreationEphemeral1hInputTokens": "cache_creation.ephemeral_1h_input_tokens",
}
OUTPUTS = {
    "outputTokens": "output_tokens",
    "thinkingTokens": "output_tokens_details.thinking_tokens",
    "webSearchRequests": "server_tool_use.web_search_requests",
    "webFetchRequests": "server_tool_use.web_fetch_requests",
}
"""Field of a sum → place in a usage object of the wire."""
ALONE = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
"""What says that there were calls that were not shown; the rest are parts of these."""


MADE_UP = "<synthetic>"
"""The model of answers that the program makes itself, to tell of an error."""


@dataclass
class Answer:
    """One answer as it was shown: its usage when it began, without the output, of which it had none yet."""

    id: str
    model: str
    usage: Json
    characters: int = 0


@dataclass
class Turn:
    """What was shown since the last result."""

    answers: dict[str, Answer] = field(default_factory=dict)

    def take(self, message: Mapping[str, Any]) -> None:
        """Take a piece of an answer; each piece repeats the usage."""
        name, model, usage = message.get("id"), message.get("model"), message.get("usage")
        if not isinstance(name, str) or not isinstance(model, str) or not isinstance(usage, dict) or model == MADE_UP:
            return
        known = self.answers.get(name)
        if known is None:
            stated = {key: value for key, value in usage.items() if key.partition(".")[0] not in _ENDS}
            known = self.answers[name] = Answer(name, model, stated)
        known.characters += sum(map(_length, message.get("content") or ()))


@dataclass
class Part:
    """A call to be recorded: an answer, or the sum of calls that were not shown."""

    model: str | None
    usage: Json | None
    id: str | None = None


def calls(turn: Turn, stated: Mapping[str, Any]) -> list[tuple[str, Part]]:
    """Return the calls of a turn, each with the model whose sum it is in; `stated` has the sums by model."""
    shown: dict[str, list[Answer]] = {model: [] for model in stated}
    for answer in turn.answers.values():
        likeness = {model: _likeness(answer.model, (model, _canonical(used))) for model, used in stated.items()}
        best = max(likeness, key=likeness.__getitem__, default=None)
        if best is not None and likeness[best]:
            shown[best].append(answer)
    return [(model, part) for model, used in stated.items() for part in _parts(shown[model], model, used)]


def _parts(shown: list[Answer], model: str, stated: Any) -> list[Part]:
    seen: Counter[str] = Counter()
    for answer in shown:
        seen.update({place: _at(answer.usage, place) for place in INPUTS.values()})
    rest = {place: max(_count(stated, field) - seen[place], 0) for field, place in INPUTS.items() if field in stated}
    ends = {place: _count(stated, field) for field, place in OUTPUTS.items() if field in stated}
    found = [Part(answer.model, answer.usage, answer.id) for answer in shown]
    if any(rest.get(place) for place in ALONE) or (not found and any(ends.values())):
        found.append(Part(_canonical(stated) or model, _nested({**rest, **ends})))
    elif found:
        found[-1].usage = merge(shown[-1].usage, _nested(ends))
    return found


def of_turn(usage: Any, sums: Mapping[str, Any], asked: str | None) -> dict[str, Any]:
    """Return what a turn's own usage says, as the sum of the model that was asked.

    For a session that was taken up again: what its sums were before nobody knows.
    """
    likeness = {model: _likeness(model, (asked,)) for model in sums}
    model = max(likeness, key=likeness.__getitem__, default=None)
    if model is None or not isinstance(usage, dict):
        return {}
    return {model: {field: _at(usage, place) for field, place in (INPUTS | OUTPUTS).items()}}


def since(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return sums by model since others. Where one has fallen they began anew."""
    names = (*INPUTS, *OUTPUTS)
    if any(_count(now.get(model), name) < _count(sums, name) for model, sums in before.items() for name in names):
        return dict(now)
    return {
        model: {name: _count(sums, name) - _count(before.get(model), name) for name in names if name in sums}
        for model, sums in now.items()
        if isinstance(sums, Mapping)
    }


def _likeness(model: str, names: Iterable[str | None]) -> int:
    """Return how much of a model's name is in one of the others: one may be dated, or have a cloud's words around it."""
    return max((min(len(model), len(name)) for name in names if name and (model in name or name in model)), default=0)


def _canonical(stated: Any) -> str | None:
    name = stated.get("canonicalModel") if isinstance(stated, Mapping) else None
    return name if isinstance(name, str) else None


_ENDS = frozenset(place.partition(".")[0] for place in OUTPUTS.values())


def _count(stated: Any, name: str) -> int:
    value = stated.get(name) if isinstance(stated, Mapping) else None
    return value if type(value) is int else 0


def _at(usage: Json, place: str) -> int:
    value = dig(usage, tuple(place.split(".")))
    return value if type(value) is int else 0


def _nested(flat: Mapping[str, int]) -> Json:
    found: Json = {}
    for place, count in flat.items():
        outer, _, inner = place.partition(".")
        if inner:
            found.setdefault(outer, {})[inner] = count
        else:
            found[outer] = count
    return found


def _length(block: Any) -> int:
    texts = [block.get(name) for name in ("text", "thinking")] if isinstance(block, dict) else []
    return sum(len(text) for text in texts if isinstance(text, str))
