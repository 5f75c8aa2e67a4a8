"""What `[currencies]` of meter.toml says: the currency of reports, dated exchange rates, and what accounts are invoiced in.

Rates stand in `[[currencies.rates]]`, in the CSV file that `file` names, or in both. A rate holds from its day until the next
one of the same pair. Nothing is derived from it: 1/rate is seldom an exact decimal, and a product of two rates is a rate that
nobody published, so each direction that a report needs has to be stated.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from meter import settings
from meter.errors import SettingInvalid
from meter.names import provider_for
from meter.pricing import iso4217

KEYS = ("report", "file", "rates", "accounts")
RATE_KEYS = ("from", "to", "on", "rate", "source")
ACCOUNT_KEYS = ("provider", "account", "billing")
RATE_DECIMALS = 12
"""As many as an amount has: the product of both is then exact in the ledger's widest decimal."""
MAX_RATE = Decimal(10) ** 8
_LAST = Decimal(1).scaleb(-RATE_DECIMALS)
_WIDE = Context(prec=100, rounding=ROUND_HALF_UP)
SHAPE = 'from = "USD", to = "EUR", on = 2026-10-01, rate = "0.92", source = "ECB"'


@dataclass(frozen=True)
class Place:
    """Where something stands."""

    path: Path
    line: int | None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else f"{self.path}"


@dataclass(frozen=True)
class Rate:
    """What one unit of a currency is worth in another, from a day on, and who says so."""

    from_currency: str
    to_currency: str
    valid_from: date
    rate: Decimal
    source: str


@dataclass(frozen=True)
class Account:
    """What currency the accounts that fit are invoiced in; None fits any."""

    provider: str | None
    account: str | None
    currency: str


@dataclass(frozen=True)
class Fault:
    """What is wrong, where, and the mend."""

    place: Place
    message: str
    mend: str


@dataclass
class Currencies:
    """All that was read, and what could not be."""

    report: str | None = None
    rates: list[Rate] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read(config: Path) -> Currencies:
    """Return what the file says of currencies; nothing for a file that is not there. Raises SettingInvalid at the first fault."""
    found = examine(config)
    for fault in found.faults:
        raise SettingInvalid(f"{fault.place}: [currencies] {fault.message}", hint=fault.mend)
    return found


def examine(config: Path) -> Currencies:
    """Return what can be read of currencies, with every fault. Raises SettingInvalid for a file that is no TOML."""
    found = Currencies()
    section = settings.load_toml(config).get("currencies") if config.is_file() else None
    if section is None:
        return found
    lines = _Lines(config)
    if not isinstance(section, dict):
        found.faults.append(
            Fault(lines.key("currencies"), "is no table", 'write [currencies], and below it report = "EUR"')
        )
        return found
    found.faults += _unknown(lines.section, section, KEYS)
    _read_report(found, section, lines)
    stated = [*_entries(found, section, "rates", lines), *_rows(found, section, config, lines)]
    _read_rates(found, stated)
    _read_accounts(found, _entries(found, section, "accounts", lines))
    return found


Entry = tuple[Place, Mapping[str, Any]]


class _Lines:
    """The lines of the section's tables in the file's text, in their order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8").splitlines()

    def key(self, name: str) -> Place:
        """Return where the section, or a key of it, stands first."""
        pattern = re.compile(rf"\s*(\[+\s*{name}\b|{name}\s*[.=])")
        return Place(self.path, next((number for number, line in enumerate(self.text, 1) if pattern.match(line)), None))

    @property
    def section(self) -> Place:
        """Where the section begins."""
        return self.key("currencies")

    def tables(self, name: str) -> Iterator[Place]:
        """Yield where each [[currencies.name]] stands; an array within brackets stands where its key does, all of it."""
        pattern = re.compile(rf"\s*\[\[\s*currencies\s*\.\s*{name}\s*\]\]")
        yield from (Place(self.path, number) for number, line in enumerate(self.text, 1) if pattern.match(line))
        while True:
            yield self.key(name)


def _unknown(place: Place, values: Iterable[str], known: tuple[str, ...]) -> Iterator[Fault]:
    for key in values:
        if key not in known:
            yield Fault(place, f"has no key {key!r}", f"keys are: {', '.join(known)}")


def _read_report(found: Currencies, section: Mapping[str, Any], lines: _Lines) -> None:
    if "report" in section:
        try:
            found.report = iso4217.code(section["report"])
        except ValueError as error:
            found.faults.append(Fault(lines.key("report"), f"report: {error}", 'write report = "EUR"'))


def _entries(found: Currencies, section: Mapping[str, Any], name: str, lines: _Lines) -> list[Entry]:
    entries = section.get(name, [])
    if isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries):
        return list(zip(lines.tables(name), entries, strict=False))
    found.faults.append(Fault(lines.key(name), f"{name} is no list of tables", f"write [[currencies.{name}]]"))
    return []


def _rows(found: Currencies, section: Mapping[str, Any], config: Path, lines: _Lines) -> list[Entry]:
    """Return the lines of the CSV file; its place is relative to meter.toml's."""
    if (name := section.get("file")) is None:
        return []
    if not isinstance(name, str):
        found.faults.append(Fault(lines.key("file"), f"file = {name!r} is no path", 'write file = "rates.csv"'))
        return []
    path = config.parent / Path(name).expanduser()
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        found.faults.append(
            Fault(
                lines.key("file"),
                f"file: {path} cannot be read: {error}",
                "it is a CSV file in UTF-8, beside meter.toml",
            )
        )
        return []
    return _csv(found, path, text)


def _csv(found: Currencies, path: Path, text: str) -> list[Entry]:
    rows = csv.reader(io.StringIO(text), strict=True)
    entries: list[Entry] = []
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        if sorted(header) != sorted(RATE_KEYS):
            words = f"the first line names the columns {', '.join(header) or 'of nothing'}"
            found.faults.append(Fault(Place(path, 1), words, f"write: {','.join(RATE_KEYS)}"))
            return []
        for row in rows:
            place = Place(path, rows.line_num)
            if len(row) == len(header):
                entries.append((place, dict(zip(header, map(str.strip, row), strict=True))))
            elif any(cell.strip() for cell in row):
                words = f"has {len(row)} cells, not {len(header)}"
                found.faults.append(Fault(place, words, f"write one for each of: {','.join(header)}"))
    except csv.Error as error:
        found.faults.append(Fault(Place(path, rows.line_num), f"is no CSV: {error}", "a quote is closed on its line"))
    return entries


def _read_rates(found: Currencies, stated: Iterable[Entry]) -> None:
    """Take each rate once. Two that differ for one pair and day are a fault that names both places."""
    first: dict[tuple[str, str, date], tuple[Place, Rate]] = {}
    for place, entry in stated:
        found.faults += _unknown(place, entry, RATE_KEYS)
        try:
            rate = _rate(entry)
        except ValueError as error:
            found.faults.append(Fault(place, f"{error}", f"write, for instance: {SHAPE}"))
            continue
        key = (rate.from_currency, rate.to_currency, rate.valid_from)
        there, known = first.setdefault(key, (place, rate))
        if known.rate != rate.rate:
            pair = f"{rate.from_currency} to {rate.to_currency} on {rate.valid_from}"
            words = f"{pair} is {rate.rate:f} here and {known.rate:f} at {there}: they disagree"
            found.faults.append(Fault(place, words, "leave the one that holds"))
        elif known is rate:
            found.rates.append(rate)


def _rate(entry: Mapping[str, Any]) -> Rate:
    for key in RATE_KEYS:
        if entry.get(key) in (None, ""):
            raise ValueError(f"a rate says no {key!r}")
    origin, target = iso4217.code(entry["from"]), iso4217.code(entry["to"])
    if origin == target:
        raise ValueError(f"a rate from {origin} to {target} itself is always 1")
    if not isinstance(source := entry["source"], str):
        raise ValueError(f"source = {source!r} is no text")
    return Rate(origin, target, _day(entry["on"]), _number(entry["rate"]), source)


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass  # the thirtieth of February
    raise ValueError(f"on = {str(value)!r} is no day such as 2026-10-01")


def _number(value: object) -> Decimal:
    """Return a rate to its last digit."""
    try:
        rate = Decimal(str(value)) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else None
    except InvalidOperation:
        rate = None
    if rate is None or not rate.is_finite():
        raise ValueError(f"rate = {str(value)!r} is no number")
    if rate <= 0:
        raise ValueError(f"rate = {rate:f} is not above 0")
    if rate >= MAX_RATE:
        raise ValueError(f"rate = {rate:f} is {MAX_RATE:f} or more")
    if rate != (rounded := rate.quantize(_LAST, context=_WIDE)):
        raise ValueError(f"rate = {rate:f} has more than {RATE_DECIMALS} decimals: write {rounded:f}")
    return rate


def _read_accounts(found: Currencies, stated: Iterable[Entry]) -> None:
    known: dict[tuple[str | None, str | None], tuple[Place, str]] = {}
    for place, entry in stated:
        found.faults += _unknown(place, entry, ACCOUNT_KEYS)
        try:
            account = _account(entry)
        except ValueError as error:
            mend = 'write, for instance: provider = "azure.ai.openai", account = "prod-*", billing = "EUR"'
            found.faults.append(Fault(place, f"{error}", mend))
            continue
        key = (account.provider, account.account)
        there, currency = known.setdefault(key, (place, account.currency))
        if there is place:
            found.accounts.append(account)
        elif currency != account.currency:
            words = (
                f"these accounts are invoiced in {account.currency} here and in {currency} at {there}: they disagree"
            )
            found.faults.append(Fault(place, words, "leave the one that holds"))


def _account(entry: Mapping[str, Any]) -> Account:
    provider, account = entry.get("provider"), entry.get("account")
    for key, value in (("provider", provider), ("account", account)):
        if value is not None and (not isinstance(value, str) or not value):
            raise ValueError(f"{key} = {value!r} is no name")
    if "billing" not in entry:
        raise ValueError("accounts say no 'billing'")
    return Account(provider_for(provider) if provider else None, account, iso4217.code(entry["billing"]))
