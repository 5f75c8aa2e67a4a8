"""`meter config`: write or check meter.toml."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path

import click

from meter import home as homes
from meter.cli.app import MeterGroup
from meter.doctor import configuration
from meter.errors import MeterError, SettingInvalid
from meter.ledger import Ledger
from meter.report.numbers import plural

BRIEF_S = 0.5


@click.group("config", cls=MeterGroup)
def command() -> None:
    """Write or check meter.toml, for what is larger than an environment variable.

    It lies in the home, or where METER_CONFIG says.
    """


@command.command("check")
@click.argument("path", required=False, type=click.Path(path_type=Path))
def check(path: Path | None) -> int:
    """Check the file: each fault with its line and the mend.

    \b
    Examples:
      meter config check
      meter config check deploy/meter.toml
    """
    chosen = path or homes.find().config
    if not chosen.exists():
        if path:
            raise SettingInvalid(f"there is no file {path}", hint="meter config init writes one into the home")
        homes.check(homes.find())
        print(f"{chosen}: there is none, and none is needed (meter config init writes an example)")
        return 0
    problems = configuration.check(chosen)
    if not any(not problem.remark for problem in problems):
        problems += _remarks(chosen)
    for problem in problems:
        place = f"{chosen}:{problem.line}" if problem.line else str(chosen)
        print(f"{place}: {problem.message}; {problem.mend}")
    faults = sum(not problem.remark for problem in problems)
    print(f"{chosen}: {plural(faults, 'fault') if faults else 'no fault'}")
    return 1 if faults else 0


def _remarks(chosen: Path) -> list[configuration.Problem]:
    """Return the remarks on a sound file; a ledger that is not there, or busy, has nothing to say."""
    with ExitStack() as stack:
        connection = None
        with suppress(MeterError):
            connection = stack.enter_context(Ledger(homes.find()).reading(timeout_s=BRIEF_S, for_check=True))
        return configuration.remarks(chosen, connection)


@command.command("init", short_help="Write a commented example into the home.")
def init() -> None:
    """Write a commented example into the home; a file that is there stays as it is.

    \b
    Example:
      meter config init
    """
    place = homes.find()
    homes.ensure(place)
    try:
        descriptor = os.open(place.config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, place.segment_mode)
    except FileExistsError as error:
        raise SettingInvalid(f"{place.config} is there already", hint="check it with: meter config check") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(configuration.example())
    print(place.config)


@command.command("path")
def show_path() -> None:
    """Print where the file lies, or would.

    \b
    Example:
      $EDITOR "$(meter config path)"
    """
    print(homes.find().config)
