"""The SDK matrix: `tests/instrument` in one environment per pair of OpenAI and Anthropic, and the other SDKs in one per version.
`make test-all` runs it.

    python -m tests.matrix              all
    python -m tests.matrix mistralai    the packages that are named

Each environment is made once, as `.venv-sdk-<name>`. Prints Markdown tables; the exit code is 1 if any suite failed.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError

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


VENDORS = environments.ROOT / "tests" / "instrument" / "vendors"


def main(names: list[str]) -> int:
    """Run every pair, and every version of the other SDKs; print the tables."""
    pairs = [(pair, *check(pair)) for pair in PAIRS] if not names else []
    others = [
        (package, wanted, *check_other(package, wanted))
        for package, wanted in versions()
        if package in names or not names
    ]
    print("| openai | anthropic | result |")
    print("| --- | --- | --- |")
    for pair, _, told in pairs:
        print(f"| {pair.openai} | {pair.anthropic} | {told} |")
    print("\n| SDK | result |")
    print("| --- | --- |")
    for _, wanted, _, told in others:
        print(f"| {wanted[0].replace('==', ' ')} | {told} |")
    return 0 if all(row[-2] for row in (*pairs, *others)) else 1


def check(pair: Pair) -> tuple[bool, str]:
    """Run the suite with one pair; return whether it passed, and pytest's own summary."""
    print(f"openai {pair.openai}, anthropic {pair.anthropic} …", file=sys.stderr, flush=True)
    return environments.check(pair.folder, pair.requirements, "tests/instrument")


def versions() -> list[tuple[str, list[str]]]:
    """Return the packages of the other SDKs, each with what is to be installed for one of its versions."""
    lines = [line for line in (VENDORS / "versions.txt").read_text().splitlines() if line and line[0] != "#"]
    return [(package, required.split()) for package, _, required in (line.partition(": ") for line in lines)]


def check_other(package: str, wanted: list[str]) -> tuple[bool, str]:
    """Run the suite of one version of another SDK; one that cannot be installed has failed."""
    print(f"{wanted[0]} …", file=sys.stderr, flush=True)
    folder = environments.ROOT / f".venv-sdk-{wanted[0].replace('==', '-')}"
    try:
        return environments.check(folder, wanted, "tests/instrument/vendors/test_trials.py", METER_TEST_SDK=package)
    except CalledProcessError as error:
        return False, f"not installed: exit code {error.returncode}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
