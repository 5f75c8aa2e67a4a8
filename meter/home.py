"""Where Meter keeps its files, and with which modes.

The shared home `/var/lib/meter` is used where it exists and can be written; Meter never makes it. Else the home is private:
`$XDG_STATE_HOME/meter`. On a network file system appends of several hosts can overwrite each other, so Meter refuses it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from meter import settings
from meter.errors import SettingInvalid, SpoolUnsafe

SHARED = Path("/var/lib/meter")
_SCHEME = re.compile(r"[A-Za-z][\w+.-]+:")
"""Of two letters or more: one letter is a drive."""
MOUNTS = Path("/proc/self/mounts")
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs"}
)

CONFIG_MEND = (
    "name one that is, make it with meter config init, or unset METER_CONFIG: then meter.toml in the home holds"
)


@dataclass(frozen=True)
class Home:
    """The folder, and what lies in it. `fallback` says why it is not the shared one although that exists."""

    path: Path
    shared: bool = False
    fallback: str | None = None

    @property
    def spool(self) -> Path:
        """Folder of the segments."""
        return self.path / "spool"

    @property
    def ledger(self) -> Path:
        """The DuckDB file. Raises SettingInvalid for a store that is no file."""
        store = settings.get().store or "meter.duckdb"
        if found := _SCHEME.match(store):
            raise SettingInvalid(
                f"METER_STORE = {store!r}: this version keeps the ledger in a DuckDB file, and knows no {found[0]!r}",
                hint="set METER_STORE to the path of a file, or leave it out",
            )
        # Never by the working directory: the programs of one home would each have a ledger of their own.
        return self.path / Path(store).expanduser()

    @property
    def lock(self) -> Path:
        """The file every process locks before it opens the ledger."""
        return self.ledger.with_name("ledger.lock")

    @property
    def config(self) -> Path:
        """The user's configuration."""
        if config := settings.get().config:
            return Path(config)
        return self.path / "meter.toml"

    @property
    def is_config_missing(self) -> bool:
        """Whether METER_CONFIG names a file that is not there; without it, none is needed."""
        return settings.get().config is not None and not self.config.exists()

    @property
    def snapshot(self) -> Path:
        """What flows back to services: prices in force."""
        return self.path / "snapshot"

    @property
    def segment_mode(self) -> int:
        """Mode of a segment: a shared home's agent reads by group."""
        return 0o640 if self.shared else 0o600

    @property
    def ledger_mode(self) -> int:
        """Mode of the ledger and its lock."""
        return 0o660 if self.shared else 0o600

    @property
    def is_read_only(self) -> bool:
        """Whether the ledger's folder is there and may not be written: on a read-only mount, not by anyone."""
        folder = self.ledger.parent
        return folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK)

    @property
    def may_write_ledger(self) -> bool:
        """In a shared home only its owner (the agent) writes the ledger; others read it as it is."""
        return not self.is_read_only and (not self.shared or self.path.stat().st_uid == os.geteuid())


def find(shared: Path = SHARED) -> Home:
    """Return the home in force; nothing is made."""
    if chosen := settings.get().home:
        path = Path(chosen).expanduser().absolute()
        return Home(path, shared=path == shared)
    fallback = None
    if shared.is_dir():
        if os.access(shared, os.W_OK | os.X_OK):
            return Home(shared, shared=True)
        fallback = f"{shared} exists but this user may not write there: add the user to its group"
    state = settings.environ().get("XDG_STATE_HOME") or "~/.local/state"
    return Home(Path(state).expanduser().absolute() / "meter", fallback=fallback)


def check(home: Home) -> None:
    """Look whether a command can work with what the settings name. Services never ask: they read neither file nor ledger.

    Raises SettingInvalid for a home that cannot be a folder, and for a METER_CONFIG that is not there.
    """
    nearest = next(place for place in (home.path, *home.path.parents) if place.exists())
    if not nearest.is_dir():
        raise SettingInvalid(
            f"{home.path} cannot be the home: {nearest} is not a folder", hint="set METER_HOME to a folder, or unset it"
        )
    if home.is_config_missing:
        raise SettingInvalid(f"METER_CONFIG names {home.config}, which is not there", hint=CONFIG_MEND)


def ensure(home: Home, mounts: Path = MOUNTS) -> None:
    """Make the home's folders with their modes.

    Raises SpoolUnsafe on a network file system, OSError where a folder cannot be made.
    """
    mode = 0o2770 if home.shared else 0o700
    for folder in (home.path, home.spool):
        if not folder.is_dir():
            folder.mkdir(mode=mode, parents=True, exist_ok=True)
            folder.chmod(mode)  # mkdir's mode passes through the umask
    if (kind := file_system(home.spool, mounts)) in NETWORK_FILE_SYSTEMS:
        raise SpoolUnsafe(
            f"{home.path} lies on {kind}, where appends of several hosts can overwrite each other",
            hint="set METER_HOME to a folder on a local disk",
        )


def file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """Return the type of the file system that holds `path`, or None where the system does not tell."""
    try:
        lines = mounts.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    target = path.resolve()
    best, kind = -1, None
    for _, place, found, *_ in (line.split(" ") for line in lines if line.count(" ") >= 3):
        mount = Path(place.replace("\\040", " "))
        if len(mount.parts) > best and (mount == target or mount in target.parents):
            best, kind = len(mount.parts), found
    return kind
