"""Run the command as users do: in this process for speed, or in one of its own, with a pipe or a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from termios import TIOCSWINSZ
from typing import Any

from click.testing import CliRunner

from meter import home as homes
from meter import settings
from meter.cli.app import cli
from meter.doctor.examine import examine_home
from meter.doctor.finding import Finding
from meter.errors import MeterError
from meter.ledger import Ledger, ingest

MAIN = "import sys; from meter.cli import main; sys.exit(main())"
MARCH = ["--month", "2026-03"]


@dataclass(frozen=True)
class Ran:
    """What a run printed, and its exit code."""

    code: int
    out: str
    err: str


def run(*words: str, stdin: str = "") -> Ran:
    """Run in this process."""
    settings.reset()
    hook = sys.excepthook
    result = CliRunner().invoke(cli, list(words), input=stdin)
    sys.excepthook = hook
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_process(*words: str, stdin: str = "", env: Mapping[str, str] | None = None, code: str = MAIN) -> Ran:
    """Run in a process of its own, with pipes."""
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def run_terminal(*words: str, columns: int = 80, env: Mapping[str, str] | None = None, stdin: str = "") -> Ran:
    """Run in a process of its own on a terminal, where `stdin` is typed; stdout and stderr come back as one."""
    master, slave = pty.openpty()
    ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    sized_elsewhere = ("COLUMNS", "LINES")
    inherited = {name: value for name, value in os.environ.items() if name not in sized_elsewhere}
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**inherited, "TERM": "xterm-256color", **(env or {})},
    )
    os.close(slave)
    os.write(master, stdin.encode())
    output = b""
    while True:
        try:
            read = os.read(master, 65536)
        except OSError:  # the terminal's end, on Linux
            break
        if not read:
            break
        output += read
    os.close(master)
    return Ran(process.wait(timeout=60), output.decode().replace("\r\n", "\n"), "")


def bare(text: str) -> str:
    """Return a terminal's text without colours and cursor movements."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def objects(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)
    assert isinstance(found, list)
    return found


def status() -> dict[str, Any]:
    (row,) = json.loads(run("status", "--format", "json").out)
    assert isinstance(row, dict)
    return row


def findings() -> list[Finding]:
    """What the doctor finds here, but for the SDKs: to import them takes seconds."""
    settings.reset()
    place = homes.find()
    with suppress(MeterError):
        ingest(Ledger(place))
    return list(examine_home(place))


def wrong(found: list[Finding]) -> list[str]:
    return [finding.subject for finding in found if finding.state == "wrong"]


def wrong_rows(text: str) -> list[str]:
    return [row["subject"] for row in json.loads(text) if row["state"] == "wrong"]
