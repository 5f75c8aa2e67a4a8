"""What may stand in meter.toml: one entry a section, with its example and its check. `meter config` and the doctor use it.

Sections that a later version reads are known, so that a file may hold them already; the check says that nothing reads them yet.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meter import settings
from meter.doctor import terms
from meter.errors import MeterError, SettingInvalid
from meter.names import PROVIDERS, provider_for
from meter.pricing import contracts
from meter.toml import line_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Problem:
    """What is wrong in the file, on which line, and the mend. A remark is no fault."""

    line: int | None
    message: str
    mend: str
    remark: bool = False


Fault = tuple[tuple[str, ...] | int | None, str, str]
"""The keys that lead from the section to what is at fault, or its line; what is wrong with it; and the mend."""


@dataclass(frozen=True)
class Section:
    """One table of the file. What nothing reads yet is left out of the example, and remarked upon."""

    about: str
    example: str = ""
    check: Callable[[Path, Mapping[str, Any]], Iterable[Fault]] = lambda _path, _values: ()
    is_read: bool = True


def check(path: Path) -> list[Problem]:
    """Return what is wrong in a configuration file, by line; nothing for a file that is not there."""
    if not path.exists():
        return []
    try:
        content = settings.load_toml(path)
    except SettingInvalid as error:
        return [_unreadable(path, error)]
    text = path.read_text("utf-8")
    found = [problem for name, value in content.items() for problem in _check_section(path, text, name, value)]
    return sorted(found, key=lambda problem: problem.line or 0)


def remarks(path: Path, con: DuckDBPyConnection | None) -> list[Problem]:
    """Return what is right in a file without faults and yet worth a word; with a ledger, what its calls say of it."""
    content, text = settings.load_toml(path), path.read_text("utf-8")
    values = content.get("contracts", {})
    found = [
        *terms.inherited(values),
        *terms.aimless(content),
        *(terms.unused(con, values) if con is not None else ()),
    ]
    return [Problem(line_of(text, *keys), f"[{keys[0]}] {message}", mend, remark=True) for keys, message, mend in found]


def example() -> str:
    """Return a file with every section in use, commented out: it changes nothing until the user does."""
    parts = ["# Meter's configuration. Take the '#' off the lines you want, then run: meter config check\n"]
    for name, section in SECTIONS.items():
        if section.is_read:
            lines = [f"# {section.about}", f"#[{name}]", *(f"#{line}" for line in section.example.splitlines())]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _unreadable(path: Path, error: SettingInvalid) -> Problem:
    words = error.message.removeprefix(f"{path}: ")
    mend = 'TOML wants: [section], and below it key = "text", numbers or lists'
    if place := re.search(r"\s*\(at line (\d+), column (\d+)\)", words):
        return Problem(int(place[1]), f"{words.replace(place[0], '')} at column {place[2]}", mend)
    if words.endswith("(at end of document)"):
        return Problem(len(path.read_text("utf-8").splitlines()), words, mend)
    return Problem(None, words, "make it a file of UTF-8 text that this user may read")


def _check_section(path: Path, text: str, name: str, value: Any) -> Iterator[Problem]:
    line = line_of(text, name)
    if name not in SECTIONS:
        close = difflib.get_close_matches(name, SECTIONS, n=1)
        mend = f"did you mean [{close[0]}]?" if close else f"sections are: {', '.join(SECTIONS)}"
        yield Problem(line, f"unknown section [{name}]", mend)
    elif not isinstance(value, Mapping):
        yield Problem(
            line, f"{name} is a {type(value).__name__}, not a section", f"write [{name}] on a line of its own"
        )
    else:
        if not SECTIONS[name].is_read:
            yield Problem(line, f"[{name}] is known, but this version does not read it yet", "it may stay", remark=True)
        for place, message, mend in SECTIONS[name].check(path, value):
            line = line_of(text, name, *place) if isinstance(place, tuple) else place
            yield Problem(line, f"[{name}] {message}", mend)


def _period(_path: Path, values: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _unknown_keys(values, ("timezone",))
    if (name := values.get("timezone")) is not None and not _is_zone(name):
        yield ("timezone",), f"timezone {name!r} does not exist", "write an IANA name, such as Europe/Berlin or UTC"


def _is_zone(name: object) -> bool:
    from meter.report.period import zone

    try:
        return isinstance(name, str) and zone(name) is not None
    except MeterError:
        return False


def _servers(_path: Path, values: Mapping[str, Any]) -> Iterator[Fault]:
    known = {provider.name for provider in PROVIDERS}
    for address, provider in values.items():
        if not isinstance(provider, str):
            yield (address,), f"{address!r} names no provider", f'write "{address}" = "openai"'
        elif provider_for(provider) not in known:
            close = difflib.get_close_matches(provider, known, n=1)
            mend = f"did you mean {close[0]!r}?" if close else f"providers are: {', '.join(sorted(known))}"
            yield (address,), f"{address!r} names the unknown provider {provider!r}", mend
        if "/" in address:
            yield (
                (address,),
                f"{address!r} is more than host and port",
                "write the address only, such as llm.internal:8443",
            )


def _margins(path: Path, _values: Mapping[str, Any]) -> Iterator[Fault]:
    from meter.risk import claims

    try:
        claims(path)
    except MeterError as error:
        words = error.message.partition("[margins] ")[2]
        name, _, what = words.partition(": ")
        yield (name,), f"{name}: {what}", error.hint or "write, for instance: anthropic = -0.5"


def _contracts(section: str) -> Callable[[Path, Mapping[str, Any]], Iterable[Fault]]:
    def check(_path: Path, values: Mapping[str, Any]) -> Iterator[Fault]:
        read, faults = contracts.read({section: values})
        for fault in (*faults, *contracts.tied(read)):
            yield fault.place[1:], fault.message, fault.mend

    return check


def _currencies(path: Path, _values: Mapping[str, Any]) -> Iterator[Fault]:
    from meter.pricing import exchange

    for fault in exchange.examine(path).faults:
        here = fault.place.path == path
        yield (
            fault.place.line if here else ("file",),
            fault.message if here else f"{fault.place}: {fault.message}",
            fault.mend,
        )


def _unknown_keys(values: Mapping[str, Any], known: Iterable[str]) -> Iterator[Fault]:
    for key in values:
        if key not in known:
            yield (key,), f"has no key {key!r}", f"keys are: {', '.join(known)}"


SECTIONS: Mapping[str, Section] = {
    "period": Section(
        "The time zone of days and months: in views, reports and budgets. Default: UTC.",
        'timezone = "Europe/Berlin"',
        _period,
    ),
    "margins": Section(
        "What providers are thought to earn (profit / revenue), for the risk-adjusted spend. It replaces what ships.",
        'anthropic = -0.5\nopenai = [{ basis = "serving", margin = "0.4", as_of = "2026-01", source = "our estimate" }]',
        _margins,
    ),
    "servers": Section(
        "The provider behind an address; a service reads it when it starts.",
        '"llm-gateway.internal:8443" = "azure.ai.openai"',
        _servers,
    ),
    "contracts": Section(
        "Prices that were negotiated: which calls, from when, and what they cost. The most specific contract wins.",
        """acme = { provider = "anthropic", from = 2026-10-15, multiplier = "0.8" }
mini = { provider = "openai", model = "gpt-4o-mini*", prices = { input = "0.12", output = "0.48" } }  # per million tokens
volume = { provider = "anthropic", volume = { tiers = [{ over = 10000, multiplier = "0.9" }] } }
prepaid = { provider = "openai", from = 2026-01-01, to = 2027-01-01, commitment = { amount = "50000", price = "45000" } }
hourly = { provider = "azure", deployment = "prod-*", from = 2026-10-01, multiplier = 0, fee = { amount = 9, per = "hour" } }""",
        _contracts("contracts"),
    ),
    "aliases": Section(
        "The priced model behind a deployment, an inference profile or a private name.",
        """"prod-gpt" = "gpt-4o"
"arn:aws:bedrock:*:application-inference-profile/x1" = { provider = "anthropic", model = "claude-sonnet-4-5" }""",
        _contracts("aliases"),
    ),
    "currencies": Section(
        'The currency of reports, dated exchange rates (or file = "rates.csv" with the same columns), and accounts\' invoices.',
        'report = "EUR"\n'
        'rates = [{ from = "USD", to = "EUR", on = 2026-10-01, rate = "0.92", source = "ECB" }]\n'
        'accounts = [{ provider = "azure", account = "prod-*", billing = "EUR" }]',
        _currencies,
    ),
    "budgets": Section("What may be spent, and what happens then.", is_read=False),
    "allocation": Section("How shared spend is split over cost centres.", is_read=False),
    "alerts": Section("Where alerts go.", is_read=False),
    "keys": Section("Names of API keys.", is_read=False),
}
