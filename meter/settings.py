"""Every setting, in one typed table: the field's name is the variable's (`spool_max_bytes` is `METER_SPOOL_MAX_BYTES`).

This is the only module that reads the environment. A value that cannot be read never breaks the service: the default
holds, and `problems()` tells `meter doctor`. One that the program gives is refused at once, by name.
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
from meter.tagging import bounded

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"", "0", "false", "no", "off"})


def parse_text(given: Any) -> str:
    """Read text; a path or a number stands for its text."""
    if not isinstance(given, str | int | os.PathLike):
        raise ValueError("expected text")
    return str(given)


def parse_bool(given: Any) -> bool:
    """Read a switch: 1/true/yes/on or 0/false/no/off."""
    word = str(given).strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError("expected 1 or 0")
    return word in TRUE


def parse_tags(given: Any) -> dict[str, str]:
    """Read `team=search,feature=answers`, or pairs; what is too long or too much is cut and counted, as in `meter.tags`."""
    if isinstance(given, Mapping):
        return bounded(given)
    if not isinstance(given, str):
        raise ValueError("expected pairs, or key=value")
    pairs: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in given.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"expected key=value, found {part!r}")
        pairs[key.strip()] = value.strip()
    return bounded(pairs)


def parse_positive(given: Any) -> int:
    """Read a whole number above 0."""
    text = str(given).strip()
    if not text.isdecimal() or not int(text):
        raise ValueError("expected a whole number above 0")
    return int(text)


def parse_sync(given: Any) -> str:
    """Read the sync mode: `call`, or nothing."""
    if given not in ("", "call"):
        raise ValueError('expected "call" or nothing')
    return str(given)


def setting(default: Any, help_text: str, parse: Callable[[Any], Any] = parse_text) -> Any:
    """Declare one setting: its default, a sentence of help, and how it is read, be it text or a value of the program."""
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
    tags: dict[str, str] = setting(dict, "Tags on every call of the process, as key=value,key=value.", parse_tags)
    disabled: bool = setting(False, "Switch metering off: nothing is patched and nothing is written.", parse_bool)
    include_usage: bool = setting(
        True, "Ask for usage on OpenAI chat streams that carry none, and hide the extra chunk.", parse_bool
    )
    wire: bool = setting(
        False,
        "Meter calls that no SDK makes, too (httpx, httpx2, requests, aiohttp to known providers); else they are counted.",
        parse_bool,
    )
    sync: str = setting(
        "",
        'Set to "call" to flush every record to the disk: survives a power cut, costs about 0.1 ms a call.',
        parse_sync,
    )
    spool_max_bytes: int = setting(1 << 30, "Largest spool; calls beyond it are counted as lost.", parse_positive)
    config: str | None = setting(None, "The configuration file; default: meter.toml in the home.")
    store: str | None = setting(
        None, "The ledger's file; a relative path starts at the home. Default: meter.duckdb in the home."
    )
    raw_days: int | None = setting(
        None,
        "Days that the providers' verbatim usage objects are kept; calls and costs stay. Default: for ever.",
        parse_positive,
    )


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

    Text is read as the environment's. Raises SettingInvalid for a name that does not exist and a value that cannot be read.
    """
    global _current
    known = {field.name: field for field in dataclasses.fields(Settings)}
    if unknown := sorted(overrides.keys() - known):
        raise SettingInvalid(f"unknown setting {unknown[0]!r}", hint=f"settings are: {', '.join(sorted(known))}")
    _overrides.update({name: _taken(known[name], value) for name, value in overrides.items()})
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
    """Read a TOML file; its numbers with a point are Decimal. Raises SettingInvalid with the file and the line."""
    from decimal import Decimal  # only the read side reads files

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)  # editors of Windows begin with a mark
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingInvalid(f"{path}: {error}", hint="mend the file, then run: meter config check") from error


def _taken(field: dataclasses.Field[Any], given: Any) -> Any:
    """Read a value that the program gives. None is one where it is the default, too."""
    if given is None and getattr(Settings(), field.name) is None:
        return None
    try:
        return field.metadata["parse"](given)
    except ValueError as error:
        raise SettingInvalid(f"{field.name}={given!r}: {error}", hint=field.metadata["help"]) from error


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
