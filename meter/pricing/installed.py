"""What catalogue is installed, and what this Meter makes of it: found out without importing the catalogue, since most runs need
no more than that.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from meter.names import CLASSES, PROVIDERS

SOURCE = "genai-prices"
COMPILER = 1
"""Part of the digest: raise it when the same catalogue compiles to other cards."""

_UNITS = ("data_units.py",)
_DATA = ("data.py", *_UNITS)
_FOLDER = Path(__file__).parent
_MATCHING = (
    *("answers.py", "conditions.py", "matching.py", "ratios.py"),
    *("conditions.toml", "developers.toml", "ratios.toml"),
)
"""What decides a match, beside the providers' names: the ledger remembers matches until the digest is another."""


@lru_cache(maxsize=1)
def digest() -> str:
    """Return the digest of all that the price book is compiled from, and that calls are matched by."""
    return _hashed(_DATA)


def digest_with(text_digest: str) -> str:
    """Return the same where a text stands in for the installed catalogue: only its units are the installed ones."""
    return hashlib.sha256(f"{_digest_of_reading()} {text_digest}".encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def _digest_of_reading() -> str:
    return _hashed(_UNITS)


def _hashed(names: tuple[str, ...]) -> str:
    spec = find_spec("genai_prices")
    folder = Path(spec.origin if spec and spec.origin else "").parent
    hashed = hashlib.sha256(f"{SOURCE} {COMPILER} {CLASSES!r} {PROVIDERS!r}".encode())
    for path in (*(folder / name for name in names), *(_FOLDER / name for name in _MATCHING)):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()[:32]


@lru_cache(maxsize=1)
def version() -> str:
    """Return the installed catalogue's version."""
    return metadata.version(SOURCE)
