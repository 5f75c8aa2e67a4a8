"""The price book for people: which prices hold, and which catalogues it came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from meter.names import CLASSES, PROVIDERS, provider_for

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STANDARD = "standard"
"""What a person reads where a price has no conditions."""

_PRICES = """
SELECT
    provider, model, conditions, usage_class, coalesce(fine_price, unit_price::DECIMAL(27, 24)), currency, valid_from, valid_to,
    day_from_s, day_to_s, input_over, input_up_to, priced_as, minimum, source, version, url, rate_card_id, digest,
    (SELECT any_value(origin) FROM ledger.catalogues WHERE catalogues.edition = rates.edition) AS origin, recorded_at
FROM ledger.rates AS rates
WHERE rate_card_id IN (SELECT rate_card_id FROM ledger.cards_of_edition($edition))
    AND ($provider IS NULL OR provider = $provider)
    AND ($model IS NULL OR lower(model) GLOB lower($model))
    AND ($at IS NULL OR (coalesce(valid_from, '-infinity') <= $at AND coalesce(valid_to, 'infinity') > $at))
    AND ($inherited OR priced_as IS NULL)
ORDER BY provider, model, conditions, valid_from NULLS FIRST, day_from_s, input_over NULLS FIRST, rate_card_id,
    list_position($classes, usage_class)
"""
_CATALOGUES = "SELECT edition, source, version, digest, recorded_at, origin FROM ledger.catalogues ORDER BY edition"
_KNOWN_AT = "SELECT coalesce(max(edition), 0) FROM ledger.catalogues WHERE $at IS NULL OR recorded_at <= $at"
_CLASSES = [usage_class.name for usage_class in CLASSES]
_CATALOGUE_ID = {provider.name: provider.genai_id for provider in PROVIDERS}


@dataclass(frozen=True)
class Price:
    """One price: what a unit of a class costs, and for which calls."""

    provider: str
    model: str
    conditions: str
    usage_class: str
    unit_price: Decimal
    currency: str
    valid_from: datetime | None
    valid_to: datetime | None
    day_from_s: int
    day_to_s: int
    input_over: int | None
    input_up_to: int | None
    priced_as: str | None
    minimum: Decimal | None
    source: str
    version: str
    url: str | None
    rate_card_id: int
    digest: str
    origin: str | None
    recorded_at: datetime


@dataclass(frozen=True)
class Catalogue:
    """One catalogue that was taken in. `origin` is a file or an address; None is the installed package."""

    edition: int
    source: str
    version: str
    digest: str
    recorded_at: datetime
    origin: str | None


def prices(
    con: DuckDBPyConnection,
    *,
    provider: str | None = None,
    model: str | None = None,
    at: datetime | None = None,
    known_at: datetime | None = None,
    inherited: bool = False,
) -> Iterator[Price]:
    """Yield the prices of the newest edition, or of the one that was the newest at the moment `known_at`.

    `provider` is any of its names; `model` is a pattern such as `claude-*`; `at` leaves what held at that moment; `inherited`
    adds the classes that have no price of their own.
    """
    sought = {
        "provider": _catalogue_id(provider),
        "model": model,
        "at": at,
        "edition": edition(con, known_at),
        "inherited": inherited,
        "classes": _CLASSES,
    }
    for catalogue_id, name, conditions, *rest in con.execute(_PRICES, sought).fetchall():
        yield Price(provider_for(catalogue_id), name, conditions or STANDARD, *rest)


def edition(con: DuckDBPyConnection, known_at: datetime | None = None) -> int:
    """Return the newest edition, or the one that was the newest at a moment; 0 where nothing was known."""
    ((found,),) = con.execute(_KNOWN_AT, {"at": known_at}).fetchall()
    return int(found)


def catalogues(con: DuckDBPyConnection) -> list[Catalogue]:
    """Return what was taken in, oldest first."""
    return [Catalogue(*row) for row in con.execute(_CATALOGUES).fetchall()]


def _catalogue_id(provider: str | None) -> str | None:
    if provider is None:
        return None
    name = provider_for(provider)
    return _CATALOGUE_ID.get(name) or name
