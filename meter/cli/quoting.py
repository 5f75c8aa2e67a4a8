"""How prices and the moments they hold from are written."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

from meter.errors import QueryInvalid
from meter.names import CLASSES
from meter.report.period import start_of_day

MILLION = 1_000_000
_UNITS = {usage_class.name: usage_class.unit for usage_class in CLASSES}


def per(usage_class: str) -> str:
    """Return what a price is quoted for: tokens by the million, all else by the piece."""
    unit = _UNITS.get(usage_class, "token")
    return "1M tokens" if unit == "token" else unit


def quoted(usage_class: str, unit_price: Decimal | None) -> Decimal | None:
    """Return the price of as much as prices are quoted for."""
    if unit_price is None or per(usage_class) != "1M tokens":
        return unit_price
    return unit_price * MILLION


def day(moment: datetime | None) -> str | None:
    """Return a day, and the time only where it is not the day's first moment in UTC."""
    if moment is None:
        return None
    at = moment.astimezone(timezone.utc)
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute, at.second) == (0, 0, 0) else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def clock(second: int) -> str:
    """Return a time of day."""
    return f"{second // 3600:02}:{second % 3600 // 60:02}"


def moment(text: str) -> datetime:
    """Read a day (its first moment) or a moment such as 2026-11-22T14:30, in UTC where it names no zone.

    Raises QueryInvalid for a text that is neither.
    """
    if "T" not in text:
        return start_of_day(text, timezone.utc)
    try:
        found = datetime.fromisoformat(text.removesuffix("Z") + ("+00:00" if text.endswith("Z") else ""))
    except ValueError as error:
        raise QueryInvalid(f"{text!r} is not a moment", hint="write it such as 2026-11-22T14:30Z") from error
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
