"""Reading single values of meter.toml: decimals exactly, dates as moments, patterns as text. Each refusal is a ValueError."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

_NUMBER = re.compile(r"\d+(_\d+)*(\.\d+)?")


def decimal(value: Any) -> Decimal:
    """Read a number of at least 0, written as a number or as text."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(f"{value!r} is no number")
    text = str(value).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not number.is_finite() or (isinstance(value, str) and not _NUMBER.fullmatch(text.removeprefix("-"))):
        raise ValueError(f"{value!r} is no plain number")
    if number < 0:
        raise ValueError(f"{value!r} is below 0")
    return number


def bounded(digits: int, decimals: int) -> Callable[[Any], Decimal]:
    """Return a reader of numbers with at most so many digits before and after the point."""

    def read(value: Any) -> Decimal:
        number = decimal(value)
        exponent = number.normalize().as_tuple().exponent
        if number >= Decimal(10) ** digits or (isinstance(exponent, int) and -exponent > decimals):
            raise ValueError(f"{value!r} has more than {digits} digits before the point or {decimals} after it")
        return number

    return read


amount = bounded(14, 12)
"""Money, as the ledger holds it."""
multiplier = bounded(3, 12)


def moment(value: Any) -> datetime:
    """Read a date, which is its first moment in UTC, or a time with its zone."""
    if isinstance(value, str):
        value = datetime.fromisoformat(re.sub("Z$", "+00:00", value)) if "T" in value else date.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(timezone.utc)
    if isinstance(value, date):
        return datetime.combine(value, time(), timezone.utc)
    raise ValueError(f"{value!r} is no date")


def pattern(value: Any) -> str:
    """Read a pattern, in lower case."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no name or pattern")
    return value.strip().lower()


def one_of(*words: str) -> Callable[[Any], str]:
    """Return a reader of one of these words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return str(value)

    return read


def switch(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def table(value: Any) -> Mapping[str, Any]:
    """Read a table."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is no table")
    return value
