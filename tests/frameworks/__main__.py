"""The frameworks: the tests of each in an environment of its own, `.venv-fw-<name>`. `make test-all` runs them all.

    python -m tests.frameworks              every framework
    python -m tests.frameworks langchain    those that are named

Prints a Markdown table; the exit code is 1 if any framework failed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import CalledProcessError

from tests import environments

HERE = Path(__file__).parent
VERSIONS = HERE / "versions.txt"


def main(names: list[str]) -> int:
    """Test the frameworks that are named, or all, and print the table."""
    known = versions()
    if unknown := sorted(set(names) - set(known)):
        print(f"no such framework: {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    rows = [(name, *check(name, known[name])) for name in names or known]
    print("| framework | versions | result |")
    print("| --- | --- | --- |")
    for name, _, told in rows:
        print(f"| {name} | {', '.join(known[name])} | {told} |")
    return 0 if all(passed for _, passed, _ in rows) else 1


def versions() -> dict[str, list[str]]:
    """Return each framework's requirements."""
    lines = [line for line in VERSIONS.read_text().splitlines() if line and not line.startswith("#")]
    return {name: required.split() for name, _, required in (line.partition(": ") for line in lines)}


def check(name: str, required: list[str]) -> tuple[bool, str]:
    """Run one framework's tests; one that cannot be installed has failed, and the others are run all the same."""
    print(f"{name} …", file=sys.stderr, flush=True)
    suite = HERE / f"test_{name.replace('-', '_')}.py"
    folder = environments.ROOT / f".venv-fw-{name}"
    try:
        path = str(suite.relative_to(environments.ROOT))
        return environments.check(folder, required, path, METER_TEST_FRAMEWORK="1")
    except CalledProcessError as error:
        return False, f"not installed: exit code {error.returncode} of {' '.join(error.cmd[1:5])}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
