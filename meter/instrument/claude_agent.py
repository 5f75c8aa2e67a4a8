"""The Claude Agent SDK: a program of its own makes the calls. What it tells passes `Query.receive_messages`, until `Query.close`.

A turn is recorded when its result is read. One that is left before that is recorded when the program is let go of, from what it
has shown: a lower bound.
"""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from meter import guard, recorder
from meter.instrument import facts as facts_of
from meter.instrument import flow
from meter.instrument.facts import Facts
from meter.instrument.flow import Bare
from meter.instrument.live import LiveCall
from meter.instrument.patches import Patch
from meter.instrument.side import Side
from meter.providers import claude_agent
from meter.providers.claude_agent import PROVIDERS, SWITCHES, TURNS, Part, Turn
from meter.providers.model import Provider
from meter.providers.progress import text

ADDRESS = "ANTHROPIC_BASE_URL"
KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")


class Session:
    """What one program has told so far."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.sums: dict[str, Any] | None = None
        """Those of the last result; None before the first."""
        self.model: str | None = None
        """Which model the program says that it asks."""


_sessions: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()


def patches(provider: Provider) -> list[Patch]:
    """Return what is to be patched in the SDK."""
    return flow.patches(provider, (("Query.receive_messages", wrap_messages), ("Query.close", wrap_close)), ())


def wrap_messages(_: Side, bare: Bare) -> Bare:
    """Wrap `receive_messages`."""

    @functools.wraps(bare)
    async def receive_messages(self: Any) -> AsyncIterator[Any]:
        async for message in bare(self):
            with guard.shield("agent.message"):
                _take(self, message)
            yield message

    return receive_messages


def wrap_close(_: Side, bare: Bare) -> Bare:
    """Wrap `close`."""

    @functools.wraps(bare)
    async def close(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await bare(self, *args, **kwargs)
        finally:
            with guard.shield("agent.close"):
                _leave(self)

    return close


def _take(query: Any, message: Any) -> None:
    """Take what the program tells."""
    kind = message.get("type") if isinstance(message, Mapping) else None
    if kind not in ("system", "assistant", "result"):
        return
    session = _sessions.get(query)
    if session is None:
        session = _sessions[query] = Session()
    if kind == "system":
        session.model = text(message.get("model")) or session.model
    elif kind == "assistant":
        answer = message.get("message")
        if isinstance(answer, Mapping):
            session.turn.take(answer)
    else:
        turn, session.turn = session.turn, Turn()
        _end(query, session, turn, message)


def _end(query: Any, session: Session, turn: Turn, result: Mapping[str, Any]) -> None:
    """Record a turn that has come to its end."""
    sums = result.get("modelUsage")
    if not isinstance(sums, Mapping):
        guard.note("agent.no_usage")
        return
    stated = _stated(query, session, sums, result)
    session.sums = dict(sums)
    for model, part in claude_agent.calls(turn, stated):
        call = _call(query, part, model, sums[model].get("provider"))
        call.complete = True
        call.end("ok")
    if (status := result.get("api_error_status")) is not None:
        call = _call(query, Part(None, None), session.model, None)
        call.passes, call.refusal, call.trouble = 0, True, f"HTTP {status}"
        call.end("error")


def _stated(query: Any, session: Session, sums: Mapping[str, Any], result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what each model was used for in this turn."""
    stated = result.get("model_usage_since_last_result")
    if isinstance(stated, Mapping):
        return {model: used for model, used in stated.items() if model in sums and isinstance(used, Mapping)}
    options = _options(query)
    if session.sums is None and (getattr(options, "resume", None) or getattr(options, "continue_conversation", False)):
        return claude_agent.of_turn(result.get("usage"), sums, session.model)
    return claude_agent.since(sums, session.sums or {})


def _leave(query: Any) -> None:
    """Record what was shown of a turn that was left before its end."""
    session = _sessions.pop(query, None)
    for answer in session.turn.answers.values() if session is not None else ():
        call = _call(query, Part(answer.model, answer.usage, answer.id), None, None)
        call.stream, call.seen = True, answer.characters
        call.end("aborted")


def _call(query: Any, part: Part, asked: str | None, word: str | None) -> LiveCall:
    call = LiveCall(TURNS, recorder.start(), _facts(query, word), None)
    call.timed, call.passes = False, 1
    record = call.record
    record.key = call.facts.key
    record.raw, record.response_id = part.usage, part.id
    record.request_model, record.response_model = text(asked), text(part.model)
    record.tier = text((part.usage or {}).get("service_tier"))
    return call


def _facts(query: Any, word: str | None) -> Facts:
    """Return whom the program calls, by what it says, and by the variables that it was started with."""
    variables = {**os.environ, **(getattr(_options(query), "env", None) or {})}  # noqa: TID251 - the program's, not ours
    if word is None:
        word = next(
            (word for name, word in SWITCHES.items() if variables.get(name) not in (None, "", "0", "false")), None
        )
    facts = Facts("anthropic", None, "anthropic")
    key = next((variables[name] for name in KEYS if variables.get(name)), None)
    if word in PROVIDERS:
        facts.provider = PROVIDERS[word]
    elif variables.get(ADDRESS):
        facts = facts_of.elsewhere(facts, variables[ADDRESS])
        facts.configured_key = lambda: key
    else:
        facts.server, facts.configured_key = "api.anthropic.com", lambda: key
    return facts


def _options(query: Any) -> Any:
    """Return what the program was started with; None for a transport of the caller's own."""
    return getattr(getattr(query, "transport", None), "_options", None)
