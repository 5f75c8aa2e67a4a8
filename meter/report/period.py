"""Half-open periods in the ledger's time zone: a month, or since when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

from meter.errors import QueryInvalid

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_SPAN = re.compile(r"(\d{1,4})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_NOUNS = {"h": "hour", "d": "day", "w": "week"}


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

    Raises QueryInvalid for a text that names no month.
    """
    first = now.date().replace(day=1)
    if text is None:
        first = (first - timedelta(days=1)).replace(day=1)
    elif (match := _MONTH.fullmatch(text)) and 1 <= int(match[2]) <= 12 and int(match[1]) >= 1:
        first = date(int(match[1]), int(match[2]), 1)
    else:
        raise QueryInvalid(f"{text!r} is not a month", hint=f"write the year and the month, such as {first:%Y-%m}")
    after = (first + timedelta(days=32)).replace(day=1)
    assert now.tzinfo is not None
    return Period(midnight(first, now.tzinfo), midnight(after, now.tzinfo), f"{first:%Y-%m}")


def since(text: str, now: datetime) -> Period:
    """Return the time from 30d, 12h, 2w ago, or from a day such as 2026-10-01, up to now.

    Raises QueryInvalid for a text that is neither.
    """
    return Period(_start(text, now), now, f"since {text}" if text[4:5] == "-" else f"last {_in_words(text)}")


def today(now: datetime) -> Period:
    """Return the day so far."""
    assert now.tzinfo is not None
    return Period(midnight(now.date(), now.tzinfo), now, "today")


def month_to_date(now: datetime) -> Period:
    """Return the month so far."""
    assert now.tzinfo is not None
    return Period(midnight(now.date().replace(day=1), now.tzinfo), now, f"{now:%Y-%m} so far")


def _start(text: str, now: datetime) -> datetime:
    if match := _SPAN.fullmatch(text):
        return now - timedelta(hours=int(match[1]) * _HOURS[match[2]])
    try:
        assert now.tzinfo is not None
        return midnight(date.fromisoformat(text), now.tzinfo)
    except ValueError as error:
        hint = "write 30d, 12h or 2w, or a day such as 2026-10-01"
        raise QueryInvalid(f"{text!r} is not a time to start from", hint=hint) from error


def _in_words(text: str) -> str:
    number, noun = int(text[:-1]), _NOUNS[text[-1]]
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
