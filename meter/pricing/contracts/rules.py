"""A contract: which calls it takes, and what it changes about their price. And which of two contracts is more specific.

The one that names more of provider, account, server, deployment, model, tier, region and usage wins; of two that name the same,
the one with more exact names; then the one whose patterns state more characters. Prices count as naming the usage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from meter.pricing.contracts import patterns

PATTERNS = ("provider", "account", "server", "deployment", "model", "tier", "region")
"""What a contract may name by a pattern."""

Rank = tuple[int, int, int]


@dataclass(frozen=True)
class Names:
    """What a call says of itself that a contract may ask for. `tier` is `standard` unless it is another."""

    provider: str | None
    account: str | None = None
    server: str | None = None
    deployment: str | None = None
    models: tuple[str, ...] = ()
    """The priced model, as answered, as asked for: a pattern may fit any."""
    tier: str = "standard"
    region: str | None = None


@dataclass(frozen=True)
class Tier:
    """One step of a volume tier: above `over`, × `multiplier`."""

    over: Decimal
    multiplier: Decimal


@dataclass(frozen=True)
class Volume:
    """A discount by how much was used, reckoned by the month."""

    by: str
    method: str
    period: str
    tiers: tuple[Tier, ...]


@dataclass(frozen=True)
class Commitment:
    """Usage that was committed to, at contracted prices, and what was paid for it."""

    amount: Decimal
    price: Decimal


@dataclass(frozen=True)
class Fee:
    """What is paid whether or not there is use. `spread`: over the calls that the contract takes, by their tokens."""

    amount: Decimal
    per: str
    quantity: Decimal
    spread: bool


@dataclass(frozen=True)
class Contract:
    """One table of `[contracts]`. A pattern that is None takes anything; dates are half-open."""

    name: str
    digest: str = ""
    provider: str | None = None
    account: str | None = None
    server: str | None = None
    deployment: str | None = None
    model: str | None = None
    tier: str | None = None
    region: str | None = None
    usage: frozenset[str] | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    currency: str = "USD"
    multiplier: Decimal | None = None
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    """Per single unit, by usage class."""
    volume: Volume | None = None
    commitment: Commitment | None = None
    fee: Fee | None = None
    definition: str = ""
    rule_id: int = 0

    @property
    def settles_more_than_volume(self) -> bool:
        """Whether it has a fee or a commitment, which stand beside those of other contracts and give way to none."""
        return self.fee is not None or self.commitment is not None

    @property
    def has_prices(self) -> bool:
        """Whether it changes what a call costs, as against what a month costs."""
        return self.multiplier is not None or bool(self.prices)

    def takes(self, names: Names) -> bool:
        """Tell whether it is about such calls, dates aside."""
        return (
            all(self._fits(name, getattr(names, name)) for name in PATTERNS if name != "model")
            and (self.model is None or any(patterns.fits(self.model, model) for model in names.models))
        )  # fmt: skip

    def named(self) -> frozenset[str]:
        """Return what it names."""
        found = {name for name in PATTERNS if getattr(self, name) is not None}
        return frozenset(found | {"usage"} if self.usage is not None or self.prices else found)

    def rank(self) -> Rank:
        """Return what more specific contracts have more of."""
        stated = [pattern for name in PATTERNS if (pattern := getattr(self, name)) is not None]
        return len(self.named()), sum(map(patterns.is_exact, stated)), sum(map(patterns.literals, stated))

    def holds(self, valid_from: datetime | None, valid_to: datetime | None) -> bool:
        """Tell whether it holds from one moment to the other, all the time."""
        begins = self.valid_from is None or (valid_from is not None and self.valid_from <= valid_from)
        ends = self.valid_to is None or (valid_to is not None and valid_to <= self.valid_to)
        return begins and ends

    def _fits(self, name: str, value: str | None) -> bool:
        pattern: str | None = getattr(self, name)
        return pattern is None or (value is not None and patterns.fits(pattern, value))


def settling(holding: Sequence[Contract]) -> list[Contract]:
    """Return which contracts count a call by the month: of volume tiers only the most specific, else it had two discounts."""
    volumes = sorted((c for c in holding if c.volume is not None), key=lambda c: (c.rank(), c.name))
    outranked = [contract for contract in volumes[:-1] if not contract.settles_more_than_volume]
    return [contract for contract in holding if contract not in outranked]
