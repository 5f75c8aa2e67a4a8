"""What a service hands to `meter.record` and `meter.outcome`, read as a record holds it. Each function raises on what makes no
sense, and `taken` turns that into what is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from decimal import Decimal
from math import inf
from numbers import Real
from typing import Any, get_args

from meter import event, guard, names
from meter.tagging import MAX_VALUE, storable

LARGEST_AMOUNT = 10**14
"""The ledger's money has so many digits before the point."""


def taken(read: Callable[[Any], Any], given: Any, otherwise: Any = None) -> Any:
    """Return an argument as a record holds it. None is unknown; what makes no sense is, too, and is told."""
    if given is None:
        return otherwise
    try:
        return read(given)
    except Exception:  # noqa: BLE001 - counted: nothing here raises into the service
        guard.fail("record.arguments")
        return otherwise


def epoch_us(moment: datetime | float) -> int:
    """Return a time as records have it. A datetime without a zone is in UTC."""
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        delta = aware - datetime(1970, 1, 1, tzinfo=timezone.utc)
        us = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    else:
        us = int(_number(moment) * 1_000_000)
    if not 0 <= us <= event.LAST_TS:
        raise ValueError(f"{moment!r} is no time of a call")
    return us


def duration_us(seconds: float) -> int:
    """Return a duration as records have it."""
    us: int = round(_number(seconds) * 1_000_000)
    if us < 0:
        raise ValueError(f"{seconds!r} is no duration")
    return us


def status(given: str) -> str:
    """Return a status, if it is one."""
    if given not in get_args(event.Status):
        raise ValueError(f"{given!r} is none of {get_args(event.Status)}")
    return given


def text(given: object) -> str | None:
    """Return the text of anything, not too long; None if it is empty."""
    return storable(str(given)[:MAX_VALUE]) or None


def provider(given: object) -> str | None:
    """Return a provider's own name."""
    return names.provider_for(text(given) or "") or None


def usage(given: Mapping[str, Any]) -> tuple[dict[str, event.Number] | None, event.Source]:
    """Return the counts that make sense, and how much of the usage they are."""
    stated = {str(name): count for name, count in given.items() if count is not None}
    counts = {name: count for name, odd in stated.items() if (count := taken(_count, odd)) is not None}
    if given and not counts:
        return None, "missing"
    return counts, "reported" if len(counts) == len(stated) else "partial"


def amount(given: Decimal | int | str | float) -> str:
    """Return money or a quantity to its last digit."""
    if not abs(Decimal(str(given))) < LARGEST_AMOUNT:
        raise ValueError(f"{given!r} is no amount")
    return str(given)


def _count(given: Any) -> event.Number:
    """Return a count. One beyond belief is a count still: what to make of it is the ledger's to say, for every call alike."""
    if not 0 <= _number(given) < inf:
        raise ValueError(f"{given!r} is no count")
    return int(given) if given == int(given) else float(given)


def _number(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, Real | Decimal):
        raise TypeError(f"{given!r} is no number")
    return given
