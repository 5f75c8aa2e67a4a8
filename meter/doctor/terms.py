"""What is right in `[contracts]` and `[aliases]` and yet worth a word, such as a contract that nothing fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from meter.names import CLASSES, PROVIDERS, provider_for
from meter.pricing import contracts
from meter.pricing.contracts import Contract
from meter.pricing.contracts.patterns import fits
from meter.pricing.contracts.prices import priced_classes

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Remark = tuple[tuple[str, ...], str, str]
"""Keys from the section inwards, what is to say, and the mend."""

_PROVIDERS = "SELECT DISTINCT provider FROM ledger.all_calls WHERE started_at > now() - INTERVAL 92 DAYS"


def inherited(values: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield the contracts whose prices leave out a class that a model they fit has a public price of its own for."""
    terms, _ = contracts.read({"contracts": values})
    priced = [contract for contract in terms.contracts if contract.prices and contract.model]
    for contract in priced:
        for model, classes in _own_prices(contract):
            sources = priced_classes(frozenset(contract.prices))
            left_out = [name for name in classes if name not in contract.prices and name in sources]
            if left_out:
                named = ", ".join(f"{name} (as {sources[name]})" for name in left_out)
                message = f"{contract.name}: {model} has public prices of its own for what the contract prices otherwise: {named}"
                yield ("contracts", contract.name, "prices"), message, "state them too, if the contract does"
                break


def aimless(content: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield the aliases for a model that neither the catalogue nor a contract has a price for."""
    from meter.pricing.matching import match

    terms, _ = contracts.read(content)
    for alias in terms.aliases:
        sellers = (alias.provider,) if alias.provider else tuple(provider.name for provider in PROVIDERS)
        in_contracts = any(contract.prices and fits(contract.model or "*", alias.model) for contract in terms.contracts)
        if not in_contracts and not any(match(seller, None, alias.model, None).price_model for seller in sellers):
            message = f"{alias.pattern}: nothing has a price for {alias.model!r}, so its calls have none"
            mend = "name a model as `meter prices list` does; an alias of an alias is not followed"
            yield ("aliases", alias.pattern), message, mend


def unused(con: DuckDBPyConnection, values: Mapping[str, Any]) -> Iterator[Remark]:
    """Yield the contracts for a provider that no call of the last quarter is of; nothing for a ledger without calls."""
    seen = {provider for (provider,) in con.execute(_PROVIDERS).fetchall()}
    terms, _ = contracts.read({"contracts": values})
    for contract in terms.contracts:
        if seen and contract.provider and not any(fits(contract.provider, provider or "") for provider in seen):
            used = ", ".join(sorted(filter(None, seen)))
            message = f"{contract.name}: no call of the last 92 days is of {contract.provider}"
            yield ("contracts", contract.name, "provider"), message, f"calls are of: {used}"


def _own_prices(contract: Contract) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield the catalogue's models that a contract fits, with the classes that they price themselves."""
    from meter.pricing.catalogue import compiled

    order = [usage_class.name for usage_class in CLASSES]
    for model in compiled():
        if contract.provider not in (None, provider_for(model.provider)) or not fits(
            contract.model or "*", model.model
        ):
            continue
        standard = (offer for offer in model.offers if not offer.conditions)
        own = {
            rate.usage_class for offer in standard for card in offer.cards for rate in card.rates if not rate.priced_as
        }
        yield model.model, sorted(own, key=order.index)
