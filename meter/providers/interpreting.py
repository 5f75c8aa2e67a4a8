"""What a usage object says beside its counts: tier, place, cost, and passes that are in no total.

Both the call that is being recorded and the one that is read again years later come by here, so they agree.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from meter.providers.reading import Json, Number, Reader, dig, exact

MAX_TEXT = 256
STANDARD = "standard"
COST_CURRENCY = "USD"
"""Every wire that states a cost states US dollars."""


class Told(NamedTuple):
    """What a usage object says that is no count."""

    fields: dict[str, str]
    """Field of the call → its text."""
    context: dict[str, str]
    cost: str | None
    """In `COST_CURRENCY`."""


def told(reader: Reader, usage: Json) -> Told:
    """Return what a usage object says that is no count."""
    found = Told({}, {}, _cost(reader, usage))
    for name, field in reader.fields:
        value = usage.get(field)
        if not isinstance(value, str) or not value:
            continue
        if not name.startswith("context."):
            found.fields[name] = value[:MAX_TEXT]
        elif value != STANDARD:
            found.context[name[8:]] = value[:MAX_TEXT]
    return found


def _cost(reader: Reader, usage: Json) -> str | None:
    stated = (exact(dig(usage, path), power) for path, power in reader.costs)
    return next((cost for cost in stated if cost is not None), None)


def passes(
    reader: Reader, usage: Json, model: Any, asked: Any
) -> tuple[dict[str, Number] | None, list[tuple[Any, Json]]]:
    """Return what the passes inside one call change: its own classes, if they differ from the total, and its side passes.

    A compaction and an advisor are in no total. After a fallback each pass counts for the model that ran it, and those of the
    model that answered are the call's own.
    """
    listed = usage.get(reader.dialect.iterations)
    if not isinstance(listed, list):
        return None, []
    items = [item for item in listed if isinstance(item, dict)]
    fallback = any(item.get("type") == "fallback_message" for item in items)
    own: dict[str, Number] = {}
    side: list[tuple[Any, Json]] = []
    for item in items:
        kind, ran = item.get("type"), item.get("model")
        if fallback and kind == "message" and ran is None:
            ran = asked
        if kind not in ("message", "fallback_message") or (fallback and ran not in (None, model)):
            side.append((ran or model, item))
        elif fallback:
            for name, count in reader.classes(item).items():
                own[name] = own.get(name, 0) + count
    return (own or None) if fallback else None, side
