"""Whose price, and which model's: genai-prices' own matchers, run once for each distinct combination of names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from genai_prices.types import ModelInfo, Provider

from meter import settings
from meter.names import PROVIDERS, provider_for
from meter.pricing import catalogue, following

DEPLOYMENT_NAMED = frozenset({"azure"})
"""Providers (genai-prices' ids) whose request names a deployment: only the response tells the model."""

_CATALOGUE_ID: Mapping[str, str | None] = {provider.name: provider.genai_id for provider in PROVIDERS}


@dataclass(frozen=True)
class Match:
    """What the catalogue makes of a call's names. `borrowed`: the price is another provider's, and only its standard one.

    `alias` is the model that the name stands for, where meter.toml says so.
    """

    price_provider: str | None = None
    price_model: str | None = None
    model_developer: str | None = None
    borrowed: bool = False
    alias: str | None = None


@following.remembered
def match(provider: str | None, server: str | None, response_model: str | None, request_model: str | None) -> Match:
    """Find the price of the response's model, else of the request's."""
    seller = _seller(provider, server)
    if seller is None:
        return Match()
    asked = response_model, None if seller.id in DEPLOYMENT_NAMED else request_model
    for name in filter(None, asked):
        model = seller.find_model(name, all_providers=catalogue.snapshot().providers)
        if model is not None:
            lister = owner(model)
            return Match(lister, model.id, developer(lister, model.id), borrowed=lister != seller.id)
    return Match(price_provider=seller.id)


def _seller(provider: str | None, server: str | None) -> Provider | None:
    """Return the provider by name; by the server's address only where the name says nothing to anybody."""
    providers = catalogue.snapshot().providers
    name = provider_for(provider or "")
    if name in _CATALOGUE_ID:
        genai_id = _CATALOGUE_ID[name]
        return next((provider for provider in providers if provider.id == genai_id), None)
    # By the whole name: the catalogue's own search would take any name with "openai" in it, such as a gateway's, for OpenAI.
    if found := next((provider for provider in providers if provider.id == name), None):
        return found
    return _by_address(server) if server else None


def _by_address(server: str) -> Provider | None:
    address = f"https://{server}"
    return next((p for p in catalogue.snapshot().providers if re.match(p.api_pattern, address)), None)


def owner(model: ModelInfo) -> str:
    """Return the provider that lists the model: another than the seller where the seller refers to it for prices."""
    return next(p.id for p in catalogue.snapshot().providers if any(model is listed for listed in p.models))


def developer(provider: str, model: str) -> str | None:
    """Return who made a model of the catalogue, where the names tell."""
    words, sellers = _developers()
    name = model.lower()
    return next((maker for word, maker in words if word.search(name)), sellers.get(provider))


@lru_cache(maxsize=1)
def _developers() -> tuple[list[tuple[re.Pattern[str], str]], Mapping[str, str]]:
    data = settings.load_toml(Path(__file__).with_name("developers.toml"))
    words = [(re.compile(rf"(?<![a-z0-9]){word}(?![a-z])"), maker) for word, maker in data["words"].items()]
    return words, data["sellers"]
