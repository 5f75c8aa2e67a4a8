"""Bring another catalogue into the price book when somebody asks for it, and refuse one that would make the book worse.

Everything happens on the caller's connection and inside the caller's transaction: an error leaves the book as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meter.errors import CatalogueInvalid
from meter.pricing import following, installed, store
from meter.pricing.following import Text
from meter.pricing.store import UNSTATED, Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LARGEST_LOSS = 5
"""A catalogue that lacks more than a fifth of the known models is more likely cut than right."""
FORCE = "if that is meant, add --force"

_NEWEST = """
SELECT edition, version, text_digest, origin, strftime(recorded_at, '%Y-%m-%d')
FROM ledger.catalogues
ORDER BY edition DESC
LIMIT 1
"""
_SAME_TEXT = """
SELECT strftime(max(recorded_at), '%Y-%m-%d')
FROM ledger.catalogues
WHERE text_digest = $digest
"""
_SAME_VERSION = """
SELECT edition, strftime(recorded_at, '%Y-%m-%d')
FROM ledger.catalogues
WHERE version = $version AND edition < $edition
ORDER BY edition DESC
LIMIT 1
"""
_DISAGREEING = """
WITH one AS (SELECT DISTINCT provider, model, digest FROM ledger.cards_of_edition($before)),
two AS (SELECT DISTINCT provider, model, digest FROM ledger.cards_of_edition($after))
SELECT provider || '/' || model
FROM one
FULL JOIN two USING (provider, model)
WHERE one.digest IS DISTINCT FROM two.digest
ORDER BY 1
"""
_LOST = """
SELECT
    (SELECT count(*) FROM ledger.withdrawals WHERE edition = $after),
    (SELECT count(DISTINCT (provider, model)) FROM ledger.cards_of_edition($before)),
    (SELECT min(provider || '/' || model) FROM ledger.withdrawals WHERE edition = $after)
"""
_LATEST = "SELECT strftime(max(valid_from), '%Y-%m-%d') FROM ledger.cards_of_edition($edition)"


@dataclass(frozen=True)
class Newest:
    """The catalogue that the price book follows."""

    edition: int
    version: str
    text_digest: str | None
    origin: str | None
    recorded_on: str

    def __str__(self) -> str:
        version = self.version if store.is_stated(self.version) else f"of {self.version}"
        return f"{installed.SOURCE} {version}" + (f" from {self.origin}" if self.origin else "")


def newest(con: DuckDBPyConnection) -> Newest | None:
    """Return the catalogue that the price book follows; None for an empty book."""
    rows = con.execute(_NEWEST).fetchall()
    return Newest(*rows[0]) if rows else None


def take_package(con: DuckDBPyConnection, *, force: bool = False) -> None:
    """Take in the installed catalogue: where it is newer, or by force where the book follows another."""
    store.refresh(con)
    before = newest(con)
    if force and (before is None or before.text_digest is not None or before.version != installed.version()):
        store.record(con, store.package())
        following.follow(con)


def take_text(con: DuckDBPyConnection, text: Text, *, version: str | None = None, force: bool = False) -> None:
    """Take in a catalogue from elsewhere. Raises CatalogueInvalid where that would make the book worse."""
    before = newest(con)
    if before is not None and before.text_digest == text.digest:
        return
    if before is not None and not force:
        _refuse_old_text(con, text, before)
        _refuse_old_version(text, version, before)
    digest = installed.digest_with(text.digest)
    store.record(con, Source(version or UNSTATED + text.digest[:12], digest, text, text.origin))
    after = newest(con)
    assert after is not None
    _refuse_disagreement(con, after, text)
    if before is not None and not force:
        _refuse_loss(con, before, after, text)
    following.follow(con)


def _refuse_old_text(con: DuckDBPyConnection, text: Text, before: Newest) -> None:
    ((seen_on,),) = con.execute(_SAME_TEXT, {"digest": text.digest}).fetchall()
    if seen_on is not None:
        raise CatalogueInvalid(
            f"{text.origin} is older than what is there: it was taken in on {seen_on}, and {before} came after it",
            hint=f"bring a newer one; {FORCE}",
        )


def _refuse_old_version(text: Text, version: str | None, before: Newest) -> None:
    if version and store.is_stated(before.version) and store.release(version) < store.release(before.version):
        raise CatalogueInvalid(
            f"{text.origin} is older than what is there: version {version}, and the price book has {before}",
            hint=f"bring a newer one; {FORCE}",
        )


def _refuse_disagreement(con: DuckDBPyConnection, after: Newest, text: Text) -> None:
    """One version is one catalogue: two that disagree cannot both be it, and force does not make them."""
    same = con.execute(_SAME_VERSION, {"version": after.version, "edition": after.edition}).fetchall()
    for edition, recorded_on in same if store.is_stated(after.version) else ():
        found = con.execute(_DISAGREEING, {"before": edition, "after": after.edition}).fetchall()
        if found:
            more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
            raise CatalogueInvalid(
                f"{text.origin} disagrees with version {after.version} as recorded on {recorded_on}: {found[0][0]}{more}",
                hint="one of the two is not that version: state another --version, or none",
            )


def _refuse_loss(con: DuckDBPyConnection, before: Newest, after: Newest, text: Text) -> None:
    editions = {"before": before.edition, "after": after.edition}
    ((lost, known, first),) = con.execute(_LOST, editions).fetchall()
    if lost * LARGEST_LOSS > known:
        raise CatalogueInvalid(
            f"{text.origin} lacks {lost:,} of {known:,} known models, {first} the first", hint=f"is it whole? {FORCE}"
        )
    ours, theirs = (con.execute(_LATEST, {"edition": edition}).fetchall()[0][0] for edition in editions.values())
    if lost and ours and (theirs is None or theirs < ours):
        raise CatalogueInvalid(
            f"{text.origin} seems older than what is there: it lacks {first}, and its latest price is of {theirs}, not {ours}",
            hint=f"bring a newer one; {FORCE}",
        )
