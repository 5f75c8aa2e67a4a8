"""The bench's child processes: workers in an environment of their own, and the environments themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.tools import METER, QUIET, REQUIREMENTS

ROOT = Path(__file__).parents[2]
PIP_S = 300
"""How long pip may take for one tool; one that resolves for longer is skipped."""

KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT")


class Unavailable(Exception):
    """An arm that cannot be measured here, and why."""


def environment(tool: str) -> tuple[Path | None, str]:
    """Return the Python of the tool's own environment, made when missing or out of date; or None, and why it cannot be had."""
    folder = ROOT / f".venv-bench-{tool}"
    python, stamp = folder / "bin" / "python", folder / ".stamp"
    wanted = [*REQUIREMENTS[tool], *METER]
    if stamp.is_file() and stamp.read_text() == repr(wanted):
        return python, ""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
    try:
        for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], pip):
            subprocess.run(command, check=True, capture_output=True, timeout=PIP_S)
    except subprocess.TimeoutExpired:
        return None, f"pip had not finished after {PIP_S} s"
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or b"").decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        return None, f"pip: {reason[0][:160]}"
    stamp.write_text(repr(wanted))
    return python, ""


def sdks() -> Path:
    """Return the Python of the environment with the SDKs of all vendors, or this one where nobody made it."""
    python = ROOT / ".venv-sdks" / "bin" / "python"
    return python if python.exists() else Path(sys.executable)


def work(python: Path, note: Callable[[], None], **order: Any) -> dict[str, Any]:
    """Run one job of `tests.bench.worker` with this Python, and return what it found."""
    result: dict[str, Any] = json.loads(run([str(python), "-m", "tests.bench.worker", json.dumps(order)], note))
    return result


def startup(python: Path, arm: str, sdk: str) -> float:
    """Return the seconds that a fresh process takes to switch the arm on and import the SDK."""
    code = f"import time; t = time.perf_counter(); from tests.bench.tools import INSTALL; INSTALL[{arm!r}]()"
    return float(run([str(python), "-c", f"{code}; {f'import {sdk};' if sdk else ''} print(time.perf_counter() - t)"]))


def run(command: list[str], note: Callable[[], None] = lambda: None) -> str:
    """Run a child in a home of its own and return its last line; each NUL on its stderr is a step done."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile("w+") as out:
        variables = {name: os.environ[name] for name in KEPT if name in os.environ} | QUIET | {"METER_HOME": home}
        said = b""
        with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=subprocess.PIPE) as child:
            assert child.stderr is not None
            while data := os.read(child.stderr.fileno(), 4096):
                for _ in range(data.count(b"\0")):
                    note()
                said = (said + data.replace(b"\0", b""))[-4000:]
        if child.returncode:
            raise Unavailable(f"{Path(command[0]).parts[-3]}: {said.decode(errors='replace').strip()[-600:]}")
        out.seek(0)
        return out.read().strip().splitlines()[-1]
