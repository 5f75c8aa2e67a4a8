"""What is remembered of a batch until its results are read, perhaps by another process: the tags of whoever made it.

One small file each, in the home. It is written before the caller hears of the batch, and goes after KEPT_DAYS.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import msgspec

from meter import guard, home

KEPT_DAYS = 60
MAX_BYTES = 64 << 10
_SWEEP_S = 3600.0

_swept = 0.0


class Keepsake(msgspec.Struct):
    """Tags, and of what they are: `of` names the batch that a file belongs to."""

    name: str
    tags: dict[str, str] | None = None
    of: str | None = None
    created: int | None = None
    """Microseconds since the epoch."""
    endpoint: str | None = None
    """The path that a batch's requests would have been sent to one by one."""
    model: str | None = None


_decode = msgspec.json.Decoder(Keepsake).decode


def keep(kept: Keepsake) -> None:
    """Remember something under its name. What is there already stays: the first to write it made it."""
    with guard.shield("keepsake"):
        place = home.find()
        path = _path(place, kept.name)
        if not path.parent.is_dir():
            home.ensure(place)
            path.parent.mkdir(exist_ok=True)
            path.parent.chmod(place.spool.stat().st_mode & 0o7777)
        _sweep(path.parent)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, place.segment_mode)
        except FileExistsError:
            return
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(kept))


def metered(name: str) -> str:
    """Return the name under which stands that a call has been recorded already."""
    return f"{name} metered"


def recall(name: str) -> Keepsake | None:
    """Return what is remembered under a name; a file has the tags of its batch."""
    found = None
    with guard.shield("keepsake"):
        found = _read(_path(home.find(), name))
        if found is not None and found.of is not None:
            batch = _read(_path(home.find(), found.of))
            found.tags = batch.tags if batch is not None else None
    return found


def _read(path: Path) -> Keepsake | None:
    try:
        with path.open("rb") as file:
            return _decode(file.read(MAX_BYTES))
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _path(place: home.Home, name: str) -> Path:
    return place.path / "batches" / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"


def _sweep(folder: Path) -> None:
    global _swept
    now = time.time()
    if now - _swept < _SWEEP_S:
        return
    _swept = now
    for path in folder.glob("*.json"):
        if now - path.stat().st_mtime > KEPT_DAYS * 86_400:
            path.unlink(missing_ok=True)
