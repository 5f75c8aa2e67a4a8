"""Write a compiled catalogue into the price book. Entries are added, never overwritten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any

from meter.pricing import following, installed
from meter.pricing.cards import insert
from meter.pricing.conditions import as_text

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from meter.pricing.catalogue import Card, PricedModel

CURRENCY = "USD"
"""genai-prices states every price in US dollars."""
UNSTATED = "sha256:"
"""How the version of a text begins that states none: the rest is its digest's."""

Row = dict[str, Any]

_KNOWN = "SELECT (provider, model), any_value(digest) FROM ledger.cards_of_edition(2147483647) GROUP BY 1"
_NEXT_IDS = """
SELECT
    greatest(
        coalesce(max(edition), 0),
        (SELECT coalesce(max(edition), 0) FROM ledger.catalogues),
        (SELECT coalesce(max(edition), 0) FROM ledger.withdrawals)
    ) + 1,
    coalesce(max(rate_card_id), 0) + 1,
    coalesce(max(offer_id), 0) + 1
FROM ledger.rate_cards
"""
_CATALOGUES = """
SELECT version, digest, origin, text_digest
FROM ledger.catalogues
WHERE source = ?
ORDER BY edition
"""
_INSERT_WITHDRAWALS = """
INSERT INTO ledger.withdrawals
SELECT $edition, unnest(from_json($rows, '[{"provider": "VARCHAR", "model": "VARCHAR"}]'), recursive := true)
"""
_INSERT_TEXT = """
INSERT INTO ledger.catalogue_texts
SELECT $digest, $content
WHERE NOT EXISTS (FROM ledger.catalogue_texts WHERE digest = $digest)
"""
_INSERT_CATALOGUE = """
INSERT INTO ledger.catalogues (edition, source, version, digest, recorded_at, origin, text_digest)
VALUES (?, ?, ?, ?, now(), ?, ?)
"""


@dataclass(frozen=True)
class Source:
    """Where cards come from: the installed catalogue, or a text with its origin. `digest` is of all that decides the cards."""

    version: str
    digest: str
    text: following.Text | None = None
    origin: str | None = None


def package() -> Source:
    """Return the installed catalogue."""
    return Source(installed.version(), installed.digest())


def refresh(con: DuckDBPyConnection) -> int:
    """Take the installed catalogue into the price book where it is newer, and return how many models' prices are new or changed.

    A catalogue that was taken in before, or one older than the newest, changes nothing: two machines with different versions
    of the package do not overwrite each other in turns. Where the newest catalogue is a text (`meter prices update --file`),
    a package wins over it only by a version above all that were installed before, and above the text's if that states one;
    without one the later comer wins, since a text that nobody renews must not stop later packages for ever.

    All cards arrive in one statement, and the catalogue's own row comes last: without a transaction around it, a kill in
    between means that the next refresh ends what this one began.
    """
    news = _news(con)
    learned = record(con, news) if news else 0
    following.follow(con)
    return learned


def _news(con: DuckDBPyConnection) -> Source | None:
    known = con.execute(_CATALOGUES, [installed.SOURCE]).fetchall()
    digests = {digest for _, digest, _, _ in known}
    versions = [version for version, _, _, text_digest in known if text_digest is None]
    version, _, origin, text_digest = known[-1] if known else (None, None, None, None)
    ours = package()
    if ours.digest not in digests and _is_newer(ours.version, versions, version if text_digest else None):
        return ours
    if text_digest is None or (digest := installed.digest_with(text_digest)) in digests:
        return None
    return Source(
        version, digest, following.kept(con, text_digest), origin
    )  # this Meter makes other cards of the same text


def _is_newer(version: str, installed_before: list[str], text_version: str | None) -> bool:
    """Tell whether a package that was not seen yet is to be taken in."""
    ours = release(version)
    if text_version is None:
        return all(release(known) <= ours for known in installed_before)
    return all(release(known) < ours for known in (*installed_before, text_version) if is_stated(known))


def record(con: DuckDBPyConnection, source: Source) -> int:
    """Add an edition, and return how many models' prices are new or changed in it."""
    known = dict(con.execute(_KNOWN).fetchall())
    edition, card_id, offer_id = con.execute(_NEXT_IDS).fetchall()[0]
    card_ids, offer_ids = count(card_id), count(offer_id)
    rows: list[Row] = []
    changed = 0
    gone = set(known)
    for model in _compiled(source.text):
        gone.discard((model.provider, model.model))
        offers = [(as_text(offer.conditions), [_card(card) for card in offer.cards]) for offer in model.offers]
        digest = hashlib.sha256(json.dumps(offers).encode()).hexdigest()[:32]
        if known.get((model.provider, model.model)) == digest:
            continue
        changed += 1
        heading = _heading(model, source.version) | {"digest": digest, "edition": edition}
        for conditions, cards in offers:
            offer = heading | {"conditions": conditions, "offer_id": next(offer_ids)}
            rows += [{"rate_card_id": next(card_ids), **offer, **card} for card in cards]
    insert(con, rows)
    _withdraw(con, edition, gone)
    con.execute("DELETE FROM ledger.model_matches")
    text_digest = _keep(con, source.text)
    taken = [edition, installed.SOURCE, source.version, source.digest, source.origin, text_digest]
    con.execute(_INSERT_CATALOGUE, taken)
    return changed


def _withdraw(con: DuckDBPyConnection, edition: int, gone: set[tuple[str, str]]) -> None:
    rows = [{"provider": provider, "model": model} for provider, model in sorted(gone)]
    con.execute(_INSERT_WITHDRAWALS, {"edition": edition, "rows": json.dumps(rows)})


def _keep(con: DuckDBPyConnection, text: following.Text | None) -> str | None:
    if text is None:
        return None
    con.execute(_INSERT_TEXT, {"digest": text.digest, "content": text.content})
    return text.digest


def _compiled(text: following.Text | None) -> Iterator[PricedModel]:
    from meter.pricing.catalogue import compiled  # most runs find nothing new, and never load it

    return compiled() if text is None else compiled(text)


def _heading(model: PricedModel, version: str) -> Row:
    return {
        "source": installed.SOURCE,
        "version": version,
        "url": model.url,
        "provider": model.provider,
        "model": model.model,
        "currency": CURRENCY,
    }


def _card(card: Card) -> Row:
    rates = card.rates
    return {
        "valid_from": _midnight(card.window.valid_from),
        "valid_to": _midnight(card.window.valid_to),
        "day_from_s": card.window.day_from_s,
        "day_to_s": card.window.day_to_s,
        "input_over": card.band.over,
        "input_up_to": card.band.up_to,
        "unit_prices": {rate.usage_class: f"{rate.unit_price:f}" for rate in rates},
        "fine_prices": {rate.usage_class: f"{rate.fine_price:f}" for rate in rates if rate.fine_price is not None}
        or None,
        "minimums": {rate.usage_class: f"{rate.minimum:f}" for rate in rates if rate.minimum is not None} or None,
        "priced_as": {rate.usage_class: rate.priced_as for rate in rates if rate.priced_as is not None} or None,
        "per_call": any(rate.per_call for rate in rates),
    }


def _midnight(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00Z" if day else None


def is_stated(version: str) -> bool:
    """Tell whether a version is one that can be compared."""
    return not version.startswith(UNSTATED)


def release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, to be compared."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())
