"""Every setting, in one typed table: the field's name is the variable's (`spool_max_bytes` is `METER_SPOOL_MAX_BYTES`).

This is the only module that reads the environment. A value that cannot be read never breaks the service: the default
holds, and `problems()` tells `meter doctor`.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meter.errors import SettingInvalid

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"", "0", "false", "no", "off"})


def parse_bool(text: str) -> bool:
    """Read a switch: 1/true/yes/on or 0/false/no/off."""
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError("expected 1 or 0")
    return word in TRUE


def parse_pairs(text: str) -> dict[str, str]:
    """Read `team=search,feature=answers`."""
    pairs: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"expected key=value, found {part!r}")
        pairs[key.strip()] = value.strip()
    return pairs


def parse_positive(text: str) -> int:
    """Read a whole number above 0."""
    number = int(text)
    if number <= 0:
        raise ValueError("expected a whole number above 0")
    return number


def parse_sync(text: str) -> str:
    """Read the sync mode: `call`, or nothing."""
    if text not in ("", "call"):
        raise ValueError('expected "call" or nothing')
    return text


def setting(default: Any, help_text: str, parse: Callable[[str], Any] = str) -> Any:
    """Declare one setting: its default, a sentence of help, and how its text is read."""
    factory = default if callable(default) else (lambda: default)
    return dataclasses.field(default_factory=factory, metadata={"help": help_text, "parse": parse})


@dataclass(frozen=True)
class Settings:
    """What the user can turn. Each field is also an environment variable with the prefix METER_."""

    home: str | None = setting(
        None, "Folder of spool, ledger and meter.toml; default: /var/lib/meter, else the user's state folder."
    )
    service: str | None = setting(
        None, "Name of this service on every call; default: OTEL_SERVICE_NAME, else the program's name."
    )
    tags: dict[str, str] = setting(dict, "Tags on every call of the process, as key=value,key=value.", parse_pairs)
    disabled: bool = setting(False, "Switch metering off: nothing is patched and nothing is written.", parse_bool)
    include_usage: bool = setting(
        True, "Ask for usage on OpenAI chat streams that carry none, and hide the extra chunk.", parse_bool
    )
    sync: str = setting(
        "",
        'Set to "call" to flush every record to the disk: survives a power cut, costs about 0.1 ms a call.',
        parse_sync,
    )
    spool_max_bytes: int = setting(1 << 30, "Largest spool; calls beyond it are counted as lost.", parse_positive)
    config: str | None = setting(None, "The configuration file; default: meter.toml in the home.")
    store: str | None = setting(None, "The ledger's file; default: meter.duckdb in the home.")


_current: Settings | None = None
_overrides: dict[str, Any] = {}
_problems: list[str] = []


def environ() -> Mapping[str, str]:
    """Return the environment, for the variables of others (OTEL_*, XDG_*)."""
    return os.environ


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"METER_{name.upper()}"


def get() -> Settings:
    """Return the settings in force: what `configure` was given, else the environment, else the default."""
    global _current
    if _current is None:
        _current = _read(os.environ, _overrides)
    return _current


def configure(**overrides: Any) -> Settings:
    """Set some settings from the program; they win over the environment.

    Raises SettingInvalid for a name that does not exist.
    """
    global _current
    known = {field.name for field in dataclasses.fields(Settings)}
    if unknown := sorted(overrides.keys() - known):
        raise SettingInvalid(f"unknown setting {unknown[0]!r}", hint=f"settings are: {', '.join(sorted(known))}")
    _overrides.update(overrides)
    _current = None
    return get()


def reset() -> None:
    """Forget what `configure` set, and read the environment again when next asked."""
    global _current
    _overrides.clear()
    _current = None


def problems() -> list[str]:
    """Return a sentence for each variable that could not be read, and so keeps its default."""
    get()
    return list(_problems)


def load_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises SettingInvalid with the file and the line."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingInvalid(f"{path}: {error}", hint="mend the file, then run: meter config check") from error


def _read(variables: Mapping[str, str], overrides: Mapping[str, Any]) -> Settings:
    values: dict[str, Any] = {}
    _problems.clear()
    for field in dataclasses.fields(Settings):
        if field.name in overrides:
            values[field.name] = overrides[field.name]
        elif (text := variables.get(variable(field.name))) is not None:
            try:
                values[field.name] = field.metadata["parse"](text)
            except ValueError as error:
                _problems.append(f"{variable(field.name)}={text!r} is ignored: {error}")
    return Settings(**values)
