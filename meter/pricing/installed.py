"""What catalogue is installed: found out without importing it, since most runs need no more than that."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from meter.names import CLASSES
from meter.pricing.conditions import rules

SOURCE = "genai-prices"
COMPILER = 1
"""Part of the digest: raise it when the same catalogue compiles to other cards."""

_DATA = ("data.py", "data_units.py")


@lru_cache(maxsize=1)
def digest() -> str:
    """Return the digest of all that the price book is compiled from."""
    spec = find_spec("genai_prices")
    folder = Path(spec.origin if spec and spec.origin else "").parent
    hashed = hashlib.sha256(f"{SOURCE} {COMPILER} {CLASSES!r} {rules()!r}".encode())
    for name in _DATA:
        hashed.update((folder / name).read_bytes())
    return hashed.hexdigest()[:32]


@lru_cache(maxsize=1)
def version() -> str:
    """Return the installed catalogue's version."""
    return metadata.version(SOURCE)
