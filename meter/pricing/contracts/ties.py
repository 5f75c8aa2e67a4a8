"""Pairs of contracts that could both take a call, and of which none is more specific: refused, not chosen between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import combinations

from meter.names import CLASSES
from meter.pricing.contracts import patterns
from meter.pricing.contracts.prices import priced_classes
from meter.pricing.contracts.rules import PATTERNS, Contract

_KINDS: tuple[tuple[Callable[[Contract], bool], Callable[[Contract], Contract]], ...] = (
    (lambda contract: contract.has_prices, lambda contract: _where_prices_hold(contract)),
    (lambda contract: contract.volume is not None, lambda contract: contract),
)
"""Contracts compete with their own kind, where it reaches. Fees add up, and commitments are drawn one after the other."""
_ALL = frozenset(usage_class.name for usage_class in CLASSES)


def ties(contracts: Iterable[Contract]) -> Iterator[tuple[Contract, Contract]]:
    """Yield each such pair once."""
    ranked = [(contract.rank(), contract) for contract in contracts]
    seen = set()
    for kind, reach in _KINDS:
        for (rank, one), (other_rank, other) in combinations(((rank, c) for rank, c in ranked if kind(c)), 2):
            if rank[0] != other_rank[0] or (rank != other_rank and one.named() == other.named()):
                continue
            if _may_meet(reach(one), reach(other)) and (one.name, other.name) not in seen:
                seen.add((one.name, other.name))
                yield one, other


def mixtures(contracts: Iterable[Contract]) -> Iterator[tuple[Contract, Contract]]:
    """Yield each contract whose volume tier gives way to another's, while its fee or commitment does not, and that other."""
    with_volume = sorted((contract for contract in contracts if contract.volume is not None), key=Contract.rank)
    for mixed, other in combinations(with_volume, 2):
        if mixed.settles_more_than_volume and mixed.rank() < other.rank() and _may_meet(mixed, other):
            yield mixed, other


def _where_prices_hold(contract: Contract) -> Contract:
    """Return the contract with the tier that its prices are for: without one, the standard tier."""
    return replace(contract, tier="standard") if contract.prices and contract.tier is None else contract


def _may_meet(one: Contract, other: Contract) -> bool:
    return (
        all(_meet(getattr(one, name), getattr(other, name)) for name in PATTERNS)
        and _at_once(one, other)
        and bool(_classes(one) & _classes(other))
    )


def _meet(one: str | None, other: str | None) -> bool:
    return one is None or other is None or patterns.overlap(one, other)


def _at_once(one: Contract, other: Contract) -> bool:
    return all(
        first.valid_to is None or second.valid_from is None or second.valid_from < first.valid_to
        for first, second in ((one, other), (other, one))
    )


def _classes(contract: Contract) -> frozenset[str]:
    if contract.prices:
        return frozenset(priced_classes(frozenset(contract.prices)))
    return contract.usage if contract.usage is not None else _ALL
