"""Environments of their own, for packages that cannot live together: made once, kept beside `.venv`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOOLS = ("pytest", "pytest-xdist", "pytest-randomly")


def check(folder: Path, requirements: Sequence[str], suite: str, **variables: str) -> tuple[bool, str]:
    """Run a suite in an environment, with variables set; return whether it passed, and pytest's own summary."""
    done = subprocess.run(
        [str(python(folder, requirements)), "-m", "pytest", suite, "-q", "-n", "2", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout[-4000:], file=sys.stderr)
    summary = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-200:]
    return done.returncode == 0, re.sub(r" in [0-9.]+s.*", "", summary)


def python(folder: Path, requirements: Sequence[str]) -> Path:
    """Make an environment if there is none, and return its interpreter."""
    found = folder / "bin" / "python"
    if not found.exists():
        run(sys.executable, "-m", "venv", str(folder))
        run(str(found), "-m", "pip", "install", "-qq", "--upgrade", "pip")
    run(str(found), "-m", "pip", "install", "-qq", *TOOLS, *requirements, "--editable", str(ROOT))
    return found


def run(*command: str) -> None:
    """Run a step of the set-up; raises CalledProcessError if it fails."""
    subprocess.run(command, cwd=ROOT, check=True)
