"""Fixtures that every suite shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from meter import guard, recorder, settings
from meter.home import Home

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background deaf to Ctrl-C, and so would be every test of it and every child.
    signal.signal(signal.SIGINT, signal.default_int_handler)

FOREIGN = ("METER_", "OTEL_", "OPENAI_", "ANTHROPIC_", "XDG_STATE_HOME")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees the developer's own settings, and none leaves its own behind."""
    for name in list(os.environ):
        if name.startswith(FOREIGN) and not name.startswith("METER_TEST_"):
            monkeypatch.delenv(name)
    settings.reset()
    guard.failures.clear()
    yield
    recorder.close()
    settings.reset()
    guard.failures.clear()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A fresh home, in force for this process and its children."""
    path = tmp_path / "home"
    monkeypatch.setenv("METER_HOME", str(path))
    settings.reset()
    return Home(path)


def missing(hint: str) -> NoReturn:
    """Skip a test for lack of a server, with the hint how to install it; where METER_TEST_REQUIRE=all, fail."""
    if os.environ.get("METER_TEST_REQUIRE") == "all":
        pytest.fail(hint)
    pytest.skip(hint)


def lines_of(home: Home) -> list[bytes]:
    """Return every whole line in the spool, whatever its kind."""
    data = b"".join(segment.read_bytes() for segment in sorted(home.spool.glob("*.ndjson")))
    return [line for line in data.split(b"\n") if line]
