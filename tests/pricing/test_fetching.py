"""The network, only when asked: whatever goes wrong there is one sentence, and no half of a catalogue comes through."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from meter.errors import CatalogueInvalid
from meter.pricing import fetching, reading

BODY = b"[" + b" " * 5_000 + b"]"


class Server(ThreadingHTTPServer):
    """A server that answers one path with a body."""

    body = BODY
    silence = threading.Event()


class Answers(BaseHTTPRequestHandler):
    """Answers by path."""

    server: Server

    def do_GET(self) -> None:
        if self.path == "/silent":
            self.server.silence.wait(20)
            return
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/whole")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response({"/whole": 200, "/cut": 200, "/empty": 204}.get(self.path, 404))
        self.send_header("Content-Length", str(len(self.server.body)) if self.path in ("/whole", "/cut") else "0")
        self.end_headers()
        if self.path == "/whole":
            self.wfile.write(self.server.body)
        elif self.path == "/cut":
            self.wfile.write(self.server.body[:99])
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@contextmanager
def serving(body: bytes = BODY) -> Iterator[str]:
    """Serve a body at /whole, a part of it at /cut, nothing at /silent."""
    with Server(("127.0.0.1", 0), Answers) as server:
        server.body, server.silence = body, threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.silence.set()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.mark.parametrize("path", ["/whole", "/moved"])
def test_a_whole_body_comes_through(url: str, path: str) -> None:
    assert fetching.fetch(url + path) == BODY


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/gone", "/gone answered 404 Not Found"),
        ("/empty", "/empty answered 204 No Content"),
        ("/cut", "/cut could not be fetched: RemoteProtocolError: "),
        ("/silent", "/silent could not be fetched: ReadTimeout: timed out"),
    ],
)
def test_what_hinders_is_said_with_the_address(url: str, path: str, said: str) -> None:
    with pytest.raises(CatalogueInvalid) as refused:
        fetching.fetch(url + path, read_s=0.2)
    assert refused.value.message.startswith(url + said)
    assert "--file" in str(refused.value.hint)


def test_nobody_there_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/data.json"
        with pytest.raises(CatalogueInvalid, match="could not be fetched: ConnectError"):
            fetching.fetch(address)


@pytest.mark.parametrize(
    "address", ["data.json", "ftp://127.0.0.1/data.json", "http://", "http://[", "http://127.0.0.1:x/"]
)
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(CatalogueInvalid, match="could not be fetched"):
        fetching.fetch(address)


def test_more_than_any_catalogue_has_is_not_fetched(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_BYTES", 100)
    assert len(fetching.fetch(url + "/whole")) > 100  # so much that it is refused when read


def test_without_the_library_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LIBRARIES", ("no_such_library",))
    with pytest.raises(CatalogueInvalid, match="nothing here can fetch"):
        fetching.fetch("http://127.0.0.1/")


def test_the_default_address_is_the_packages_own() -> None:
    assert fetching.default_url().startswith("https://")


def test_nothing_loads_what_fetches_before_it_is_asked_for() -> None:
    imports = "import sys, meter.pricing.store, meter.pricing.matching, meter.cli.prices"
    code = f"{imports}; print([name for name in sys.modules if 'fetching' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
