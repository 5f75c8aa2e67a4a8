"""What each usage class costs under contracts: a public price × a multiplier, or a price of the contract's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache

from meter.names import CLASSES
from meter.pricing.contracts.rules import Contract

_EXACT = Context(prec=80)


@dataclass(frozen=True)
class Price:
    """What one unit of a class costs, whose price it is where the class has none of its own, and by which contract."""

    unit_price: Decimal
    priced_as: str | None = None
    currency: str = "USD"
    rule_id: int | None = None


def contracted(
    public: Mapping[str, Price], contracts: Iterable[Contract], *, needs: frozenset[str] = frozenset()
) -> tuple[str | None, dict[str, Price]]:
    """Return the currency, and the price of each class: the most specific contract's that has one, else the public one.

    `needs` are the conditions (tier, region) that are not standard: a contract's own price holds under them only if the
    contract names them. One card has one currency: a class whose price is in another than the first class's is left out.
    """
    usable = sorted((c for c in contracts if c.has_prices), key=lambda c: (c.rank(), c.name), reverse=True)
    found = {
        usage_class.name: price
        for usage_class in CLASSES
        if (price := _price(usage_class.name, public.get(usage_class.name), usable, needs)) is not None
    }
    chosen = [price.currency for price in found.values() if price.rule_id is not None and price.unit_price]
    currency = next(iter(chosen or [price.currency for price in found.values()]), None)
    return currency, {
        name: price for name, price in found.items() if price.currency == currency or not price.unit_price
    }


def _price(name: str, public: Price | None, contracts: Iterable[Contract], needs: frozenset[str]) -> Price | None:
    for contract in contracts:
        if contract.prices:
            source = priced_classes(frozenset(contract.prices)).get(name)
            if source is not None and needs <= contract.named():
                as_other = None if source == name else source
                return Price(contract.prices[source], as_other, contract.currency, contract.rule_id)
        elif (contract.usage is None or name in contract.usage) and (priced := _multiplied(public, contract)):
            return priced
    return public


def _multiplied(public: Price | None, contract: Contract) -> Price | None:
    assert contract.multiplier is not None
    if not contract.multiplier:
        return Price(Decimal(0), None, public.currency if public else contract.currency, contract.rule_id)
    if public is None:
        return None
    amount = _EXACT.multiply(public.unit_price, contract.multiplier)
    return Price(amount, public.priced_as, public.currency, contract.rule_id)


@lru_cache(maxsize=1024)
def priced_classes(named: frozenset[str]) -> Mapping[str, str]:
    """Return, for each class that these prices hold for, the class whose price it is: its own, else its nearest relative's."""
    from meter.pricing.units import nearest_class  # loads the catalogue's registry

    found = ((usage_class.name, nearest_class(usage_class.name, named)) for usage_class in CLASSES)
    return {name: source for name, source in found if source is not None}
