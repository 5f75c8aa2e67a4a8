"""Half-open periods in the ledger's time zone: a month, or since when."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone, tzinfo

from meter.errors import QueryInvalid

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_SPAN = re.compile(r"(\d{1,4})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_NOUNS = {"h": "hour", "d": "day", "w": "week"}
_YEARS = range(1970, 9999)
"""Of these a call can be, and their bounds are moments in every time zone."""


@dataclass(frozen=True)
class Period:
    """From `start` up to but without `end`."""

    start: datetime
    end: datetime
    title: str

    def bounds(self) -> dict[str, datetime]:
        """Return the values of a query's `$from` and `$to`."""
        return {"from": self.start, "to": self.end}


def zone(name: str) -> tzinfo:
    """Return a time zone by its IANA name."""
    if name in ("UTC", "Etc/UTC"):
        return timezone.utc  # needs no time zone database
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise QueryInvalid(f"there is no time zone {name!r}", hint="mend [period] timezone in meter.toml") from error


def midnight(day: date, place: tzinfo) -> datetime:
    """Return the first moment of a day."""
    return datetime(day.year, day.month, day.day, tzinfo=place)


def month(text: str | None, now: datetime) -> Period:
    """Return a month given as 2026-10; without one, the last complete month before `now`, in `now`'s time zone.

    The month that `now` is in ends with it: calls of a clock that is fast lie in no period yet. Raises QueryInvalid for a
    text that names no month.
    """
    this = now.date().replace(day=1)
    first = (this - timedelta(days=1)).replace(day=1) if text is None else _first_day(text, this)
    after = (first + timedelta(days=32)).replace(day=1)
    assert now.tzinfo is not None
    end = now if first == this else midnight(after, now.tzinfo)
    return Period(midnight(first, now.tzinfo), end, f"{first:%Y-%m}")


def since(text: str, now: datetime) -> Period:
    """Return the time from 30d, 12h, 2w ago, or from a day such as 2026-10-01, up to now.

    Raises QueryInvalid for a text that is neither.
    """
    if match := _SPAN.fullmatch(text):
        number, unit = int(match[1]), match[2]
        start = now - timedelta(hours=number * _HOURS[unit])
        return Period(start, now, f"last {number} {_NOUNS[unit]}{'' if number == 1 else 's'}")
    refusal = f"{text!r} is not a time to start from"
    first = _day(text, refusal, "write 30d, 12h or 2w, or a day such as 2026-10-01")
    assert now.tzinfo is not None
    return Period(midnight(first, now.tzinfo), now, f"since {first}")


def start_of_day(text: str, place: tzinfo) -> datetime:
    """Return the first moment of a day such as 2026-10-01. Raises QueryInvalid for a text that names none."""
    return midnight(
        _day(text, f"{text!r} is not a day", "write the year, the month and the day, such as 2026-10-01"), place
    )


def today(now: datetime) -> Period:
    """Return the day so far."""
    assert now.tzinfo is not None
    return Period(midnight(now.date(), now.tzinfo), now, "today")


def month_to_date(now: datetime) -> Period:
    """Return the month so far."""
    return replace(month(f"{now:%Y-%m}", now), title=f"{now:%Y-%m} so far")


def _first_day(text: str, this: date) -> date:
    match = _MONTH.fullmatch(text)
    if not match or not 1 <= int(match[2]) <= 12 or int(match[1]) not in _YEARS:
        hint = f"write the year and the month, such as {this:%Y-%m}; years are {_YEARS[0]} to {_YEARS[-1]}"
        raise QueryInvalid(f"{text!r} is not a month", hint=hint)
    return date(int(match[1]), int(match[2]), 1)


def _day(text: str, refusal: str, hint: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise QueryInvalid(refusal, hint=hint) from error
    if found.year not in _YEARS:
        raise QueryInvalid(refusal, hint=f"years are {_YEARS[0]} to {_YEARS[-1]}")
    return found
