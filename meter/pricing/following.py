"""Which catalogue calls are matched by in this process: the installed one, or a text that the ledger keeps.

Found out without loading either, since most runs match nothing new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import _lru_cache_wrapper, lru_cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

T = TypeVar("T")

_NEWEST = "SELECT text_digest FROM ledger.catalogues ORDER BY edition DESC LIMIT 1"
_CONTENT = "SELECT content FROM ledger.catalogue_texts WHERE digest = ?"


@dataclass(frozen=True)
class Text:
    """A catalogue's text. Two are equal when their digests are."""

    digest: str
    content: str = field(repr=False, compare=False)
    origin: str = field(default="the catalogue in the ledger", compare=False)


_held: Text | None = None
_forget: list[Callable[[], None]] = []


def follow(con: DuckDBPyConnection) -> None:
    """Match by the catalogue of this ledger's newest edition from now on."""
    digests = con.execute(_NEWEST).fetchall()
    digest = digests[0][0] if digests else None
    if digest == (_held.digest if _held else None):
        return
    hold(None if digest is None else kept(con, digest))


def kept(con: DuckDBPyConnection, digest: str) -> Text:
    """Return a text that the ledger keeps."""
    ((content,),) = con.execute(_CONTENT, [digest]).fetchall()
    return Text(digest, content)


def hold(text: Text | None) -> None:
    """Match by a text, or by the installed catalogue, from now on; forget what was made of another."""
    global _held
    _held = text
    for forget in _forget:
        forget()


def held() -> Text | None:
    """Return the text in force; None for the installed catalogue."""
    return _held


def remembered(function: Callable[..., T]) -> _lru_cache_wrapper[T]:
    """Remember what a function answers for as long as the catalogue in force stays the same."""
    cached = lru_cache(maxsize=4096)(function)
    _forget.append(cached.cache_clear)
    return cached
