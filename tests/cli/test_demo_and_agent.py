"""The commands that stand on other parts: here only what the command adds."""

from __future__ import annotations

import shlex
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from meter.home import Home
from tests.cli.running import run, run_process, run_terminal


def test_the_demo_prints_spend_coverage_and_lines_that_work_when_pasted(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    shown = run_process("demo", "--home", str(place))
    assert (shown.code, shown.err) == (0, "")
    assert "coverage  9" in shown.out
    assert "synthetic" in shown.out
    lines = shown.out.partition("Now try:\n")[2].splitlines()
    assert len(lines) == 3
    bin_folder = str(Path(sys.executable).parent)
    for line in lines:
        command = f"PATH={shlex.quote(bin_folder)}:$PATH {line.strip()}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) > 1


def test_the_demo_never_touches_a_home_that_is_in_use(sample: Home) -> None:
    before = sorted(sample.path.iterdir())
    shown = run("demo", "--home", str(sample.path))
    assert (shown.code, shown.out) == (1, "")
    assert "not by a demo" in shown.err
    assert sorted(sample.path.iterdir()) == before


def test_the_demo_keeps_to_a_home_of_its_own(sample: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "state" / "meter-demo").mkdir(parents=True)
    (tmp_path / "state" / "meter-demo" / "mine").write_text("")
    shown = run("demo")
    assert str(tmp_path / "state" / "meter-demo") in shown.err
    assert str(sample.path) not in shown.err


def test_the_agent_without_an_endpoint_ingests_and_says_that_nothing_was_sent(spooled: Home) -> None:
    shown = run("agent", "--once")
    assert shown.code == 0
    assert shown.out == "8 calls ingested; no metrics sent: OTEL_EXPORTER_OTLP_ENDPOINT is not set\n"


def test_the_agent_says_that_metrics_are_switched_off(spooled: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    shown = run("agent", "--once")
    assert (shown.code, shown.out) == (0, "8 calls ingested; no metrics sent: OTEL_METRICS_EXPORTER is none\n")


def test_the_help_of_the_demo_tells_its_own_home() -> None:
    shown = " ".join(run("demo", "--help").out.split()).replace("- ", "-")
    assert "default: meter-demo in the user's state folder" in shown
    assert "/var/lib/meter" not in shown


def test_the_agent_has_no_clock_yet_and_says_what_has(sample: Home) -> None:
    shown = run("agent")
    assert (shown.code, shown.out) == (1, "")
    assert "meter agent --once" in shown.err


class Collector(BaseHTTPRequestHandler):
    """Takes whatever is sent."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_agent_says_how_much_it_sent_and_where(sample: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    shown = run("agent", "--once")
    server.shutdown()
    server.server_close()
    thread.join()
    assert shown.code == 0, shown.err
    assert f"samples sent to http://127.0.0.1:{server.server_address[1]}" in shown.out


def test_a_collector_that_does_not_answer_is_a_sentence(sample: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    shown = run("agent", "--once")
    assert shown.code == 1
    assert "127.0.0.1:9" in shown.err
    assert "Traceback" not in shown.err


def test_progress_shows_only_where_someone_watches(spooled: Home) -> None:
    assert "\x1b" not in run_process("ingest").err
    assert run_terminal("ingest").code == 0
