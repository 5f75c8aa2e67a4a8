"""The SDK matrix: the suite of `tests/instrument` in one environment per pair of SDK versions. `make test-all` runs it.

Each environment is made once, as `.venv-sdk-<name>`. Prints a Markdown table; the exit code is 1 if any pair failed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tests import environments


@dataclass(frozen=True)
class Pair:
    """Two SDKs of one time, and the transport they used then."""

    openai: str
    anthropic: str
    httpx: str | None = None

    @property
    def folder(self) -> Path:
        """Its environment."""
        return environments.ROOT / f".venv-sdk-{self.openai}-{self.anthropic}"

    @property
    def requirements(self) -> tuple[str, ...]:
        """What is installed there."""
        transport = (f"httpx=={self.httpx}",) if self.httpx else ()
        return (f"openai=={self.openai}", f"anthropic=={self.anthropic}", *transport)


PAIRS = (
    Pair("1.30.0", "0.40.0", httpx="0.27.2"),
    Pair("1.109.1", "0.125.0"),
    Pair("2.54.0", "1.17.0"),
    Pair("3.54.0", "2.12.0"),
)


def main() -> int:
    """Run every pair and print the table."""
    rows = [(pair, *check(pair)) for pair in PAIRS]
    print("| openai | anthropic | result |")
    print("| --- | --- | --- |")
    for pair, _, told in rows:
        print(f"| {pair.openai} | {pair.anthropic} | {told} |")
    return 0 if all(passed for _, passed, _ in rows) else 1


def check(pair: Pair) -> tuple[bool, str]:
    """Run the suite with one pair; return whether it passed, and pytest's own summary."""
    print(f"openai {pair.openai}, anthropic {pair.anthropic} …", file=sys.stderr, flush=True)
    return environments.check(pair.folder, pair.requirements, "tests/instrument")


if __name__ == "__main__":
    sys.exit(main())
