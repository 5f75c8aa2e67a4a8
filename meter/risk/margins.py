"""Claims about what providers earn: dated, sourced data that `[margins]` in meter.toml overrides, and what follows from them.

The multiplier is the closed form of full break-even pass-through, one-sided: `max(1, 1 − margin)`. A provider without a
claim has no multiplier: said, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from meter import settings
from meter.errors import MeterError, SettingInvalid
from meter.names import provider_for
from meter.risk.formula import checked_margin

BASES = ("full", "serving")
CONFIDENCES = ("high", "medium", "low", "unknown")
_PLACES = -6  # exponent of the finest margin: the ledger multiplies in DECIMAL(12,6)
_LOWEST = Decimal(-1000)


@dataclass(frozen=True)
class Claim:
    """What someone says a provider earns: profit / revenue, of which basis, when, and who says so."""

    provider: str
    basis: str
    margin: Decimal
    measure: str = ""
    period: str = ""
    as_of: str = ""
    source: str = ""
    confidence: str = "unknown"


def breakeven_multiplier(margin: object) -> Decimal:
    """Return how many times its price a provider needs to break even, if it passes all of it on: at least 1.

    Raises MeterError for a margin of 1 or above, or what is no number.
    """
    return max(Decimal(1), 1 - checked_margin(margin))


def claims(config: Path | None = None) -> dict[str, list[Claim]]:
    """Return the claims by provider: those that ship, each provider's replaced by `[margins]` of `config` where it has some.

    Raises SettingInvalid for a claim that cannot be read.
    """
    with as_file(files("meter.risk") / "margins.toml") as shipped:
        found = _read(shipped)
    return found | (_read(config) if config is not None and config.is_file() else {})


def multipliers(found: Mapping[str, Iterable[Claim]]) -> list[dict[str, str]]:
    """Return provider, scenario and multiplier of the claims in force: the first of each basis."""
    rows = []
    for provider in sorted(found):
        first: dict[str, Claim] = {}
        for claim in found[provider]:
            first.setdefault(claim.basis, claim)
        rows += [
            {
                "provider": provider,
                "scenario": f"break_even_{basis}",
                "multiplier": format(breakeven_multiplier(claim.margin), "f"),
            }
            for basis, claim in sorted(first.items())
        ]
    return rows


def _read(path: Path) -> dict[str, list[Claim]]:
    section = settings.load_toml(path).get("margins", {})
    if not isinstance(section, dict):
        raise SettingInvalid(
            f"{path}: [margins] is no table", hint="write, for instance: [margins] and below it anthropic = -0.5"
        )
    return {provider_for(name): _claims(path, name, value) for name, value in section.items()}


def _claims(path: Path, name: str, value: Any) -> list[Claim]:
    entries = value if isinstance(value, list) else [value]
    return [_claim(f"{path}: [margins] {name}", provider_for(name), entry) for entry in entries]


def _claim(where: str, provider: str, entry: Any) -> Claim:
    fields = dict(entry) if isinstance(entry, dict) else {"margin": entry}
    try:
        margin = checked_margin(fields.pop("margin", None))
        claim = Claim(
            provider, fields.pop("basis", "full"), margin, **{name: str(text) for name, text in fields.items()}
        )
        _check(claim)
    except (MeterError, TypeError, ValueError) as error:
        hint = error.hint if isinstance(error, MeterError) else "see meter/risk/margins.toml for the shape"
        raise SettingInvalid(f"{where}: {error}", hint=hint) from error
    return claim


def _check(claim: Claim) -> None:
    if claim.basis not in BASES:
        raise ValueError(f"basis {claim.basis!r} is none of {', '.join(BASES)}")
    if claim.confidence not in CONFIDENCES:
        raise ValueError(f"confidence {claim.confidence!r} is none of {', '.join(CONFIDENCES)}")
    if not re.fullmatch(r"(\d{4}(-\d{2}){0,2})?", claim.as_of):
        raise ValueError(f"as_of {claim.as_of!r} is no date such as 2026-01 or 2026-01-31")
    exponent = claim.margin.as_tuple().exponent
    if claim.margin < _LOWEST or (isinstance(exponent, int) and exponent < _PLACES):
        raise ValueError(f"margin {claim.margin} has more than 6 decimals, or is below {_LOWEST}")
