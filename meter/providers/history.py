"""Calls that were recorded before, read again: by the wire that each names, from the usage object as its provider wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from meter.names import INPUT_CLASSES, OUTPUT_CLASSES
from meter.providers import claude_agent, gemini, mistral, realtime, runs, xai_grpc
from meter.providers.interpreting import Told, passes, told
from meter.providers.model import Dialect
from meter.providers.reading import Number, Reader, as_object
from meter.providers.wires import ANTHROPIC, OPENAI, WIRES

ELSEWHERE = (
    *(runs.RUNS, realtime.REALTIME, gemini.LIVE, mistral.REALTIME_SPEECH, claude_agent.TURNS),
    *(xai_grpc.CHAT, xai_grpc.COMPACT, xai_grpc.IMAGES, xai_grpc.VIDEO),
)
"""Wires that no address leads to."""
TOKENS = INPUT_CLASSES | OUTPUT_CLASSES


class Reread(NamedTuple):
    """A usage object, read as its wire is understood now."""

    usage: dict[str, Number | Decimal]
    told: Told


def wire(provider: str | None, api: str | None) -> Dialect | None:
    """Return the wire that a recorded call names as its `api`, or None if nobody knows it."""
    spoken = (*WIRES.get(provider or "", ()), *OPENAI, *ANTHROPIC, *ELSEWHERE)
    return next((dialect for dialect in spoken if dialect.api == api), None)


def reread(
    reader: Reader,
    raw: str,
    model: str | None,
    asked: str | None,
    stored: Mapping[str, Decimal],
    *,
    is_partial: bool,
) -> Reread:
    """Read the usage object of a call that was recorded before, whose classes are `stored` now.

    What an answer told outside its usage object (fees) is not in there, and is kept. Of a stream that was left, what means
    nothing before its end is left out, as it was then.
    """
    usage = as_object(raw)
    found: dict[str, Number] = reader.classes(raw)
    if reader.dialect.iterations in usage:
        found = passes(reader, usage, model, asked)[0] or found
    if is_partial:
        found = {name: count for name, count in found.items() if name not in reader.dialect.placeholder}
    return Reread({**found, **_outside(reader, stored)}, told(reader, usage))


def _outside(reader: Reader, stored: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return the fees among a call's classes that its answer told elsewhere than in the usage object."""
    if not reader.tells_fees:
        return {}
    dialect = reader.dialect
    counted = {name for count in dialect.counts for name in (count.rest, *count.parts)}.difference(dialect.fees)
    return {name: count for name, count in stored.items() if name not in TOKENS and name not in counted}
