"""Why a price is unknown: where the price book's knowledge of a call ends, in the words of `prices explain` and of `unpriced`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from meter.names import provider_for
from meter.pricing.book import STANDARD

if TYPE_CHECKING:
    from meter.pricing.matching import Match  # which loads the catalogue


def unknown(found: Match, provider: str | None, models: Iterable[str | None]) -> str | None:
    """Say that the provider or the model is unknown; None where both are known. `models` are the names that the call states."""
    if found.price_provider is None:
        return f"the price book has no provider {provider!r}"
    if found.price_model is not None:
        return None
    named = " or ".join(dict.fromkeys(repr(model) for model in models if model))
    meant = f" (which {named} stands for)" if found.alias else ""
    sought = repr(found.alias) if found.alias else named
    return f"the price book has no model {sought} of {_seller(found, provider)}{meant}"


def no_offer(found: Match, provider: str | None, conditions: str) -> str:
    """Say that a known model has no price under these conditions."""
    return f"{_seller(found, provider)} has no price for {found.price_model} under: {conditions or STANDARD}"


def _seller(found: Match, provider: str | None) -> str:
    return provider or provider_for(found.price_provider or "")
