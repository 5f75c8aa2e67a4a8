"""From the tables of meter.toml to contracts and aliases. Every fault is collected, with its place and the mend."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from meter.names import CLASSES, PROVIDERS, provider_for
from meter.pricing import iso4217
from meter.pricing.conditions import tier_word
from meter.pricing.contracts import patterns, values
from meter.pricing.contracts.rules import Commitment, Contract, Fee, Tier, Volume
from meter.pricing.contracts.ties import mixtures, ties

MILLION = Decimal(1_000_000)
_EXACT = Context(prec=60)
_TOKENS = frozenset(usage_class.name for usage_class in CLASSES if usage_class.unit == "token")
_CLASSES = tuple(usage_class.name for usage_class in CLASSES)
_price = values.bounded(12, 18)


class Fault(NamedTuple):
    """What is wrong, where (keys from the section inwards), and the mend."""

    place: tuple[str, ...]
    message: str
    mend: str


@dataclass(frozen=True)
class Alias:
    """A name of a deployment or a model that stands for a model of the price book. `provider`: whose, if not the call's own."""

    pattern: str
    model: str
    provider: str | None = None

    def fits(self, name: str) -> bool:
        """Tell whether it stands for this name."""
        return patterns.fits(self.pattern, name)


@dataclass(frozen=True)
class Terms:
    """What the file says of prices."""

    contracts: tuple[Contract, ...] = ()
    aliases: tuple[Alias, ...] = ()


class _Refused(Exception):
    """A value that cannot be read."""

    def __init__(self, key: str, message: str, mend: str) -> None:
        self.key, self.message, self.mend = key, message, mend


def read(content: Mapping[str, Any]) -> tuple[Terms, list[Fault]]:
    """Return what can be read of `[contracts]` and `[aliases]`, and what is wrong with the rest."""
    faults: list[Fault] = []
    contracts = _each(content, "contracts", _contract, faults)
    aliases = _each(content, "aliases", _alias, faults)
    return Terms(tuple(contracts), tuple(aliases)), faults


def tied(terms: Terms) -> Iterator[Fault]:
    """Yield a fault for each pair of contracts that nobody could choose between, or only for a part of one."""
    for one, other in ties(terms.contracts):
        message = f"{other.name!r} and {one.name!r} are equally specific and can take the same call"
        mend = "let one name more, end one where the other begins, or make their patterns differ"
        yield Fault(("contracts", other.name), message, mend)
    for mixed, other in mixtures(terms.contracts):
        message = f"the volume tiers of {mixed.name!r} give way to those of {other.name!r}, and its other terms do not"
        yield Fault(("contracts", mixed.name), message, "write its volume tiers as a contract of their own")


def _each(
    content: Mapping[str, Any], section: str, reader: Callable[[str, Any], Any], faults: list[Fault]
) -> list[Any]:
    tables = content.get(section, {})
    if not isinstance(tables, Mapping):
        faults.append(Fault((section,), f"{section} is no section", f"write [{section}.NAME] on a line of its own"))
        return []
    found = (_sound(section, name, value, reader, faults) for name, value in tables.items())
    return [entry for entry in found if entry is not None]


def _sound(section: str, name: str, value: Any, reader: Callable[[str, Any], Any], faults: list[Fault]) -> Any:
    try:
        return reader(name, value)
    except _Refused as refusal:
        place = (section, name, *([refusal.key] if refusal.key else []))
        faults.append(Fault(place, f"{name}: {refusal.message}", refusal.mend))
        return None


def _alias(name: str, value: Any) -> Alias:
    mend = 'write "my-deployment" = "gpt-4o", or = { provider = "anthropic", model = "claude-sonnet-4-5" }'
    fields = {"model": value} if isinstance(value, str) else value
    if not isinstance(fields, Mapping) or not isinstance(fields.get("model"), str) or not fields["model"].strip():
        raise _Refused("", f"{value!r} names no model", mend)
    _refuse_unknown(fields, ("model", "provider"))
    provider = fields.get("provider")
    return Alias(
        _valued("", name, values.pattern, mend),
        fields["model"].strip(),
        None if provider is None else _provider("provider", provider),
    )


_WHICH: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("account", "server", "deployment", "model", "region"), values.pattern),
    "tier": lambda value: tier_word(values.pattern(value)),
    "from": values.moment,
    "to": values.moment,
    "currency": iso4217.code,
    "multiplier": values.multiplier,
}
_MENDS = {
    "from": "write a date such as 2026-10-15, or a time with its zone",
    "to": "write a date such as 2027-10-15: the first day on which it no longer holds",
    "currency": 'write a code such as "EUR"',
    "multiplier": 'write the part of the list price that is paid: "0.8" is a fifth off',
}
_FIELDS = {"from": "valid_from", "to": "valid_to"}
_OTHER = ("provider", "usage", "prices", "volume", "commitment", "fee")
KEYS = (*_OTHER[:1], *_WHICH, *_OTHER[1:])


def _contract(name: str, value: Any) -> Contract:
    if not isinstance(value, Mapping):
        raise _Refused("", f"{value!r} is no contract", f"write [contracts.{name}] and its keys below")
    _refuse_unknown(value, KEYS)
    fields = {
        _FIELDS.get(key, key): _valued(
            key, value[key], reader, _MENDS.get(key, "write a name, or a pattern with * and ?")
        )
        for key, reader in _WHICH.items()
        if key in value
    }
    definition = json.dumps(value, sort_keys=True, default=plain)
    contract = Contract(
        name=name,
        digest=hashlib.sha256(definition.encode()).hexdigest()[:32],
        provider=_provider("provider", value["provider"]) if "provider" in value else None,
        usage=_usage(value),
        prices=_prices(value),
        volume=_volume(value),
        commitment=_commitment(value),
        fee=_fee(value),
        definition=definition,
        **fields,
    )
    _refuse_odd(contract, value)
    return contract


def _refuse_odd(contract: Contract, value: Mapping[str, Any]) -> None:
    start, end = contract.valid_from, contract.valid_to
    if start is not None and end is not None and end <= start:
        raise _Refused(
            "to",
            f"it ends on {end:%Y-%m-%d} and begins on {start:%Y-%m-%d}",
            "put the later date into `to`, which is exclusive",
        )
    monthly = (contract.volume, contract.commitment, contract.fee)
    if not contract.has_prices and not any(monthly):
        raise _Refused("", "it changes no price", "give it multiplier, prices, volume, commitment or fee")
    if contract.multiplier is not None and contract.prices:
        raise _Refused(
            "prices", "it has prices and a multiplier", "write two contracts, or the prices as they come out"
        )
    if contract.usage is not None and (contract.prices or any(monthly)):
        mend = "prices name their usage themselves; volume, commitment and fee take whole calls"
        raise _Refused("usage", "`usage` goes with `multiplier` only", mend)
    if contract.fee is not None and contract.fee.per != "once" and start is None:
        raise _Refused("fee", "nobody can tell since when the fee runs", "write `from`")
    if contract.commitment is not None and (start is None or end is None):
        raise _Refused("commitment", "it has no beginning or no expiry", "write `from` and `to`")
    if contract.volume is not None and contract.volume.period == "term" and start is None:
        raise _Refused("volume", "nobody can tell since when volume counts", 'write `from`, or period = "month"')
    if "currency" in value and not (contract.prices or any(monthly)):
        raise _Refused("currency", "a multiplier has no currency", "take it off: the price keeps its own")


def _usage(value: Mapping[str, Any]) -> frozenset[str] | None:
    if "usage" not in value:
        return None
    names = [value["usage"]] if isinstance(value["usage"], str) else value["usage"]
    if not isinstance(names, list) or not names:
        raise _Refused("usage", f"{names!r} names no usage class", 'write for instance ["input", "cache_read"]')
    for name in names:
        _refuse_class("usage", name)
    return frozenset(names)


def _prices(value: Mapping[str, Any]) -> dict[str, Decimal]:
    found = {}
    for name, price in _entries(value, "prices", 'write for instance { input = "2.40", output = "12" }').items():
        _refuse_class("prices", name)
        mend = "write money per million tokens, or per unit of anything else"
        stated = _valued("prices", price, _price, mend)
        unit = _EXACT.divide(stated, MILLION) if name in _TOKENS else stated
        if unit >= MILLION:
            raise _Refused("prices", f"{name} = {price!r} is a million or more per unit", mend)
        found[name] = unit
    return found


_VOLUME: Mapping[str, Callable[[Any], Any]] = {
    "by": values.one_of("spend", "tokens"),
    "method": values.one_of("graduated", "all_units"),
    "period": values.one_of("month", "term"),
}


def _volume(value: Mapping[str, Any]) -> Volume | None:
    mend = 'write for instance { method = "graduated", tiers = [{ over = 10000, multiplier = "0.9" }] }'
    if (fields := _entries(value, "volume", mend, optional=True)) is None:
        return None
    _refuse_unknown(fields, (*_VOLUME, "tiers"), "volume")
    words = {key: _valued("volume", fields[key], reader, mend) for key, reader in _VOLUME.items() if key in fields}
    steps = fields.get("tiers")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, Mapping) for step in steps):
        raise _Refused("volume", "it has no tiers", mend)
    tiers = []
    for step in steps:
        _refuse_unknown(step, ("over", "multiplier"), "volume")
        over = _valued("volume", step.get("over"), values.amount, mend)
        tiers.append(Tier(over, _valued("volume", step.get("multiplier"), values.multiplier, mend)))
    if any(later.over <= earlier.over for earlier, later in pairwise(tiers)):
        raise _Refused("volume", "its tiers do not rise", "write them in order, each `over` once")
    if words.get("by") == "tokens" and any(tier.over % 1 for tier in tiers):
        raise _Refused("volume", "a part of a token is no volume", "write `over` as a whole number of tokens")
    return Volume(
        words.get("by", "spend"), words.get("method", "graduated"), words.get("period", "month"), tuple(tiers)
    )


def _commitment(value: Mapping[str, Any]) -> Commitment | None:
    mend = 'write for instance { amount = "50000", price = "45000" }'
    if (fields := _entries(value, "commitment", mend, optional=True)) is None:
        return None
    _refuse_unknown(fields, ("amount", "price"), "commitment")
    committed = _valued("commitment", fields.get("amount"), values.amount, mend)
    if not committed:
        raise _Refused("commitment", "its amount is 0", mend)
    return Commitment(committed, _valued("commitment", fields.get("price", committed), values.amount, mend))


def _fee(value: Mapping[str, Any]) -> Fee | None:
    mend = 'write for instance { amount = "12.50", per = "hour", quantity = 2 }'
    if (fields := _entries(value, "fee", mend, optional=True)) is None:
        return None
    _refuse_unknown(fields, ("amount", "per", "quantity", "spread"), "fee")
    return Fee(
        _valued("fee", fields.get("amount"), values.amount, mend),
        _valued("fee", fields.get("per"), values.one_of("hour", "month", "once"), mend),
        _valued("fee", fields.get("quantity", 1), values.bounded(12, 6), mend),
        _valued("fee", fields.get("spread", False), values.switch, mend),
    )


def _entries(value: Mapping[str, Any], key: str, mend: str, *, optional: bool = False) -> Any:
    if key not in value:
        return None if optional else {}
    fields = _valued(key, value[key], values.table, mend)
    if not fields:
        raise _Refused(key, f"{key} is empty", mend)
    return fields


def _valued(key: str, value: Any, reader: Callable[[Any], Any], mend: str) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise _Refused(key, f"{key}: {error}" if key else str(error), mend) from None


def _refuse_unknown(fields: Mapping[str, Any], known: Collection[str], place: str = "") -> None:
    for key in fields:
        if key not in known:
            raise _Refused(place or key, f"there is no key {key!r}", _close(key, known, "keys are"))


def _refuse_class(key: str, name: Any) -> None:
    if name not in _CLASSES:
        raise _Refused(key, f"there is no usage class {name!r}", _close(str(name), _CLASSES, "classes are"))


def _provider(key: str, value: Any) -> str:
    known = [
        name for provider in PROVIDERS for name in (provider.name, provider.genai_id or "", *provider.aliases) if name
    ]
    name = _valued(key, value, values.pattern, 'write a name such as "anthropic"')
    if name not in known and not _sells(name):
        raise _Refused(key, f"nobody knows a provider {value!r}", _close(name, known, "providers are"))
    return provider_for(name)


def _sells(name: str) -> bool:
    from meter.pricing import catalogue

    return any(provider.id == name for provider in catalogue.snapshot().providers)


def _close(word: str, known: Iterable[str], otherwise: str) -> str:
    listed = list(dict.fromkeys(known))
    close = difflib.get_close_matches(word, listed, n=1)
    return f"did you mean {close[0]!r}?" if close else f"{otherwise}: {', '.join(listed)}"


def plain(value: Any) -> str:
    """Write a date or a number as text that reads back the same: for `json.dumps`."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value.isoformat()) if isinstance(value, date | datetime) else str(value)
