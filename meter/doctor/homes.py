"""The home: where it lies, its modes, its disk; and the settings that chose it."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from meter import home as homes
from meter import settings
from meter.doctor import configuration
from meter.doctor.finding import Finding, note, ok, wrong
from meter.home import Home
from meter.report.numbers import size

LOW_BYTES = 256 << 20
"""Less room than this on the home's disk is worth a word."""


def check_settings(place: Home) -> Iterator[Finding]:
    """Look at the environment variables, and at meter.toml."""
    problems = settings.problems()
    for sentence in problems:
        yield wrong("settings", sentence, "mend or unset the variable; until then its default holds")
    if settings.get().disabled:
        yield note("settings", "METER_DISABLED is set: nothing is recorded where it is", "unset it to meter again")
    if not problems:
        yield ok("settings", "every METER_ variable can be read")
    faults = [problem for problem in configuration.check(place.config) if not problem.remark]
    for fault in faults:
        yield wrong("meter.toml", f"line {fault.line}: {fault.message}" if fault.line else fault.message, fault.mend)
    if place.is_config_missing:
        yield wrong("meter.toml", f"METER_CONFIG names {place.config}, which is not there", homes.CONFIG_MEND)
    elif not faults:
        yield ok("meter.toml", str(place.config) if place.config.exists() else "none, and none is needed")


def check_home(place: Home, mounts: Path = homes.MOUNTS) -> Iterator[Finding]:
    """Look at the folders, their modes and their file system."""
    if place.fallback:
        yield wrong("home", f"{place.path} is used, since {place.fallback}", "log in again after joining the group")
    kind = homes.file_system(place.path, mounts)
    if kind in homes.NETWORK_FILE_SYSTEMS:
        yield wrong("home", f"{place.path} lies on {kind}: nothing is recorded", "set METER_HOME to a local disk")
    if not place.path.is_dir():
        yield _not_yet(place)
        return
    yield ok("home", f"{place.path} ({'shared' if place.shared else 'private'}{f', {kind}' if kind else ''})")
    yield from _modes(place)
    yield from _disk(place)


def _not_yet(place: Home) -> Finding:
    parent = next(folder for folder in (place.path, *place.path.parents) if folder.exists())
    if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
        return note("home", f"{place.path} is not there yet", "the first recorded call makes it")
    why = f"this user may not write in {parent}" if parent.is_dir() else f"{parent} is not a folder"
    return wrong(
        "home", f"{place.path} cannot be made, since {why}: calls are lost", "set METER_HOME to another folder"
    )


def _modes(place: Home) -> Iterator[Finding]:
    if os.name != "posix" or place.shared:
        return
    open_to_others = [
        path for path in (place.path, place.spool, place.ledger) if path.exists() and path.stat().st_mode & stat.S_IRWXO
    ]
    for path in open_to_others:
        mode = stat.S_IMODE(path.stat().st_mode)
        yield note("modes", f"{path} is open to every user (mode {mode:04o})", f"chmod o-rwx {path}")
    if not open_to_others:
        yield ok("modes", "closed to other users")


def _disk(place: Home) -> Iterator[Finding]:
    folder = place.spool if place.spool.is_dir() else place.path
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:  # only a write tells for sure
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        yield wrong("disk", f"cannot write in {folder}: {error.strerror}: calls are lost", _room(error, folder))
        return
    free = os.statvfs(folder) if hasattr(os, "statvfs") else None
    if free is None:
        yield ok("disk", "writable")
        return
    room = free.f_bavail * free.f_frsize
    if room < LOW_BYTES:
        yield wrong("disk", f"only {size(room)} free for {folder}", "make room, or move METER_HOME to a larger disk")
    else:
        yield ok("disk", f"writable, {size(room)} free")


def _room(error: OSError, folder: Path) -> str:
    mends = {
        "ENOSPC": "make room on the disk",
        "EDQUOT": "raise the quota, or make room",
        "EROFS": f"mount {folder} writable, or set METER_HOME to a folder that is",
    }
    symbol = errno.errorcode.get(error.errno or 0, "")
    return mends.get(symbol, f"let this user write in {folder}, or set METER_HOME")
