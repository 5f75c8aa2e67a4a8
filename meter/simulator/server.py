"""The loopback HTTP server: reads requests, sends what it is told to, and breaks off where a fault says so."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from meter.simulator.faults import Fault
from meter.simulator.wire import Arrival, Json, Reply


@dataclass(frozen=True)
class Delivery:
    """An answer and how it is delivered: what goes wrong on the way, how long a stall and the gap between events last."""

    reply: Reply
    fault: Fault
    stall_s: float
    delay_s: float

    def stalls(self, place: str) -> float:
        """Return how long to wait at a place: at the "start", or in the "middle"."""
        return self.stall_s if self.fault.stalls == place else 0.0


class Server(ThreadingHTTPServer):
    """Threads and sockets. `answer` decides; `closing` ends every wait."""

    request_queue_size = 256
    daemon_threads = False  # so that server_close() joins them

    def __init__(self, answer: Callable[[Arrival, bytes], Delivery]) -> None:
        self.answer = answer
        self.closing = threading.Event()
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, then serve it."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection that has been served."""
        self._open.discard(request)
        super().shutdown_request(request)

    def stop(self) -> None:
        """Stop serving. Connections that clients keep alive are ended too: their threads wait in a read."""
        self.closing.set()
        self.shutdown()
        for connection in list(self._open):
            _shut(connection)
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        """Answer the requests of one connection."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client left early, as some tests mean to

    def do_POST(self) -> None:
        """Answer one request."""
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        delivery = self.server.answer(Arrival(self.command, self.path, _parsed(raw), headers), raw)
        closed = self.server.closing.wait(delivery.stalls("start"))
        if closed or delivery.fault.cut == "start":
            self._cut()
        else:
            self._deliver(delivery)

    do_GET = do_POST  # noqa: N815 – the name http.server looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _deliver(self, delivery: Delivery) -> None:
        reply = delivery.reply
        parts = reply.parts()
        self._head(reply, None if reply.streams else sum(map(len, parts)))
        for number, part in enumerate(parts):
            if number == len(parts) // 2:
                closed = self.server.closing.wait(delivery.stalls("middle"))
                if closed or delivery.fault.cut:
                    return self._cut()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if reply.streams else part)
            if reply.streams and delivery.delay_s:
                self.server.closing.wait(delivery.delay_s)
        if reply.streams:
            self.wfile.write(b"0\r\n\r\n")
        return None

    def _head(self, reply: Reply, length: int | None) -> None:
        size = {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
        self.send_response(reply.status)
        for key, value in ({"content-type": reply.content_type} | size | reply.headers).items():
            self.send_header(key, value)
        self.end_headers()

    def _cut(self) -> None:
        self.close_connection = True
        _shut(self.connection)


def _parsed(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}  # a GET, or a form
    return body if isinstance(body, dict) else {}


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was quicker
