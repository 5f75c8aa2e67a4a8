"""The `meter` command. This module also runs in a base install, where it says which extra to install."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

NEEDS = ("click", "rich", "duckdb", "pytz", "genai_prices")
EXTRA = "install the read side with: pip install 'spendmeter[agent]'"
ABOUT = "Meter: what every LLM call costs, who caused it, and what it was worth."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code (or leave through SystemExit, as click does)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    if words in (["--version"], ["-V"]):
        print(f"meter {version()}")
        return 0
    if missing := [name for name in NEEDS if find_spec(name) is None]:
        return _base_install(words, missing[0])
    from meter.cli.app import cli

    cli.main(args=words, prog_name="meter")
    return 0


def version() -> str:
    """Return the version of the installed distribution."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("spendmeter")
    except PackageNotFoundError:
        return "(not installed)"


def _base_install(words: Sequence[str], missing: str) -> int:
    if words in (["--help"], ["-h"]):
        print(f"{ABOUT}\n\nThis is the base install: it records calls. To read them, {EXTRA}")
        return 0
    print(f"Error: the meter command needs {missing}, which is not installed\nHint: {EXTRA}", file=sys.stderr)
    return 1
