"""A real OpenTelemetry collector (rotel) between the exporter and a receiver."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import missing

TRIES = 5


def binary() -> Path:
    """Return the collector's program; skip where the package has none that runs here."""
    spec = importlib.util.find_spec("rotel")
    program = Path(spec.origin).with_name("rotel-agent") if spec and spec.origin else None
    if program is None or not program.exists():
        missing("the collector is missing: pip install rotel")
    if subprocess.run([program, "--version"], capture_output=True, check=False).returncode:
        missing("the collector does not run here; its binary needs a library: apt-get install libpython3.11")
    return program


@contextmanager
def collecting(target: str) -> Iterator[str]:
    """Run a collector that takes OTLP over HTTP and hands it on to `target`; yield its address."""
    program = binary()
    for _ in range(TRIES):  # a free port may be taken before the collector binds it
        http, grpc = _free_port(), _free_port()
        process = subprocess.Popen(
            [
                program,
                "start",
                f"--otlp-http-endpoint=127.0.0.1:{http}",
                f"--otlp-grpc-endpoint=127.0.0.1:{grpc}",
                "--exporter=otlp",
                f"--otlp-exporter-endpoint={target}",
                "--otlp-exporter-protocol=http",
                "--metrics-batch-timeout=100ms",
            ],
            env={},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if _listens(http, process):
                yield f"http://127.0.0.1:{http}"
                return
        finally:
            process.terminate()
            process.wait(10)
    pytest.fail(f"the collector did not start in {TRIES} tries")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False
