"""The real gunicorn with --preload: what the master records before the fork, its workers after it, one of them killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from meter.spool import segments
from tests.spool.reading import ROOT, eventually, lines_in

pytest.importorskip("gunicorn")

APP = """
import os, sys
from pathlib import Path
from meter.spool import Writer

writer = Writer(Path(os.environ["SPOOL"]))
assert writer.append(b"master %d" % os.getpid())


def app(environ, start_response):
    kept = writer.append(b"request " + environ["QUERY_STRING"].encode())
    start_response("200 OK" if kept else "500 Lost", [("Content-Type", "text/plain")])
    return [b"%d" % os.getpid()]
"""


def ask(address: tuple[str, int], query: str) -> int:
    connection = HTTPConnection(*address, timeout=60)
    try:
        connection.request("GET", f"/?{query}")
        response = connection.getresponse()
        assert response.status == 200
        return int(response.read())
    finally:
        connection.close()


def test_gunicorn_with_preload_loses_and_doubles_nothing_even_when_a_worker_is_killed(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    (tmp_path / "service.py").write_text(APP)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = f"--preload --workers 2 --bind fd://{listener.fileno()} --no-control-socket --log-level warning"
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options.split(), "--chdir", str(tmp_path), "service:app"],
            cwd=ROOT,
            env={**os.environ, "SPOOL": str(spool), "PYTHONPATH": str(ROOT)},
            pass_fds=[listener.fileno()],
        )
        try:
            address = listener.getsockname()
            pids = {ask(address, f"{n}") for n in range(100)}
            os.kill(max(pids), signal.SIGKILL)
            pids |= {ask(address, f"{n}") for n in range(100, 200)}
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(60) == 0
    assert server.pid not in pids
    assert sorted(lines_in(spool)) == sorted([b"master %d" % server.pid] + [b"request %d" % n for n in range(200)])
    gone = eventually(lambda: [segment.writer_is_gone() for segment in segments(spool)], all)
    assert all(gone)
    assert len(gone) >= 2
