"""The loopback server: decides what a request gets, sends it, and breaks it where a fault says so."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple

from meter.simulator import anthropic_messages, catalogue, counts, faults, openai_chat, openai_responses
from meter.simulator.counts import Counts
from meter.simulator.faults import Fault
from meter.simulator.wire import Ask, Json, Reply, frame

MAX_REMEMBERED = 10_000
MALFORMED = b'data: {"id": "cut short, "choices": [}\n\n'


class Arrival(NamedTuple):
    """One request as it arrived."""

    method: str
    path: str
    body: Json
    headers: dict[str, str]


class Route(NamedTuple):
    """One kind of request: what it is called, how it is answered, and the fixture's counts."""

    api: str
    method: str
    path: re.Pattern[str]
    answer: Callable[[Ask], Reply]
    fixture: Counts


def _route(api: str, method: str, path: str, answer: Callable[[Ask], Reply], fixture: Counts = counts.OPENAI) -> Route:
    return Route(api, method, re.compile(path), answer, fixture)


ROUTES = (
    _route("openai.chat", "POST", r"/chat/completions$", openai_chat.chat),
    _route("openai.completions", "POST", r"/completions$", openai_chat.completions),
    _route("openai.embeddings", "POST", r"/embeddings$", openai_chat.embeddings, counts.EMBEDDINGS),
    _route("openai.responses", "POST", r"/responses$", openai_responses.responses),
    _route("openai.responses.input_tokens", "POST", r"/responses/input_tokens$", openai_responses.input_tokens),
    _route("anthropic.messages", "POST", r"/messages$", anthropic_messages.messages, counts.ANTHROPIC),
    _route(
        "anthropic.count_tokens", "POST", r"/messages/count_tokens$", anthropic_messages.count_tokens, counts.ANTHROPIC
    ),
    _route("models", "GET", r"/models(/[^/]+)?$", catalogue.models),
)


class Simulator:
    """A loopback server that answers as OpenAI and Anthropic do. Use it as a context manager.

    `seed`: None states the fixture's counts, a number varied ones. `usage`: usage objects to serve as they are, by api
    name. `delay_s`: seconds between the events of a stream. `stall_s`: how long a stall lasts. `fault`: what every
    request gets. All but the seed can be changed while it runs.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        usage: Mapping[str, Any] | None = None,
        delay_s: float = 0.0,
        stall_s: float = 1.0,
        fault: str = "",
        max_remembered: int = MAX_REMEMBERED,
    ) -> None:
        self.seed = seed
        self.usage: dict[str, Any] = dict(usage or {})
        self.delay_s = delay_s
        self.stall_s = stall_s
        self.fault = fault
        self.requests: list[Arrival] = []
        self.closing = threading.Event()
        self._max_remembered = max_remembered
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._stored: dict[str, Json] = {}
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="simulator", daemon=True)
        self._thread.start()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop: stalls end, open connections are closed, threads are joined."""
        if self.closing.is_set():
            return
        self.closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    def arrived(self, arrival: Arrival) -> None:
        """Remember a request; of many the newest are kept."""
        with self._lock:
            self.requests.append(arrival)
            del self.requests[: -self._max_remembered or None]

    def answer(self, arrival: Arrival, raw: bytes) -> tuple[Reply, Fault]:
        """Return what a request gets, and what goes wrong with it."""
        fault = self._fault_of(arrival)
        if fault.error:
            return refusal(arrival, fault), fault
        route = next((r for r in ROUTES if r.method == arrival.method and r.path.search(arrival.path)), None)
        if route is None:
            return self._retrieved(arrival), fault
        ask = self._ask(route, arrival, raw, fault)
        reply = route.answer(ask)
        if fault.body is not None:
            reply = Reply(fault.body, content_type=fault.content_type)
        reply.headers |= _headers(arrival, ask.token)
        self._store(route, ask)
        return reply, fault

    def _fault_of(self, arrival: Arrival) -> Fault:
        model = str(arrival.body.get("model", ""))
        name = arrival.headers.get("x-sim-fault") or faults.of_model(model) or self.fault
        fault, once = faults.named(name)
        if once:
            with self._lock:
                self._seen[f"{name} {model}"] += 1
                fault = fault if self._seen[f"{name} {model}"] % 2 else faults.NONE
        return fault if not fault.needs or fault.needs in arrival.body else faults.NONE

    def _ask(self, route: Route, arrival: Arrival, raw: bytes, fault: Fault) -> Ask:
        body, headers = arrival.body, arrival.headers
        stated = json.loads(headers["x-sim-usage"]) if "x-sim-usage" in headers else self.usage.get(route.api)
        sizes = route.fixture
        if self.seed is not None:
            drawn = counts.varied(route.fixture, str(body.get("model", "")), raw, self.seed)
            limits = (body.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"))
            sizes = counts.capped(drawn, next(filter(None, limits), None))
        usage = stated if fault.usage is None else fault.usage
        tier = headers.get("x-sim-tier")
        return Ask(arrival.method, arrival.path, headers, body, sizes, usage, fault.finish, tier)

    def _store(self, route: Route, ask: Ask) -> None:
        """Keep a response that runs in the background, for the GET that asks for it."""
        if route.api == "openai.responses":
            with self._lock:
                self._stored[f"resp_{ask.token}"] = openai_responses.final(ask)
                while len(self._stored) > 1000:
                    del self._stored[next(iter(self._stored))]

    def _retrieved(self, arrival: Arrival) -> Reply:
        if arrival.method == "GET" and (body := self._stored.get(arrival.path.rpartition("/")[2])):
            return Reply(body)
        missing = faults.named("not-found")[0]
        return refusal(arrival, replace(missing, message=f"no such place: {arrival.method} {arrival.path}"))


class _Server(ThreadingHTTPServer):
    """The threads and sockets of a simulator."""

    request_queue_size = 256
    daemon_threads = False  # so that server_close() joins them

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that clients keep alive: their threads wait in a read."""
        for connection in list(self._open):
            _shut(connection)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        """Answer the requests of one connection."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client left early, as some tests mean to

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_POST(self) -> None:
        """Answer one request."""
        simulator = self.server.simulator
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.loads(raw) if raw else {}
        headers = {key.lower(): value for key, value in self.headers.items()}
        arrival = Arrival(self.command, self.path.partition("?")[0], body, headers)
        simulator.arrived(Arrival(self.command, self.path, body, headers))
        reply, fault = simulator.answer(arrival, raw)
        if fault.stalls == "start":
            simulator.closing.wait(simulator.stall_s)
        if fault.cut == "start":
            self._cut()
        else:
            self._send(reply, fault, float(headers.get("x-sim-delay") or simulator.delay_s))

    do_GET = do_POST

    def _send(self, reply: Reply, fault: Fault, delay_s: float) -> None:
        streams = reply.frames is not None
        parts = _broken(reply, fault) if streams else reply.parts()
        half = len(parts) // 2
        self._head(reply, None if streams else len(parts[0]))
        if fault.cut and not streams:
            self.wfile.write(parts[0][: len(parts[0]) // 2])
        for number, part in enumerate(parts):
            if fault.cut and number == half:
                return self._cut()
            if fault.stalls == "middle" and number == half:
                self.server.simulator.closing.wait(self.server.simulator.stall_s)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if streams else part)
            if streams and delay_s:
                self.server.simulator.closing.wait(delay_s)
        if streams:
            self.wfile.write(b"0\r\n\r\n")
        return None

    def _head(self, reply: Reply, length: int | None) -> None:
        self.send_response(reply.status)
        self.send_header("content-type", reply.content_type)
        for key, value in reply.headers.items():
            self.send_header(key, value)
        if length is None:
            self.send_header("transfer-encoding", "chunked")
        else:
            self.send_header("content-length", str(length))
        self.end_headers()

    def _cut(self) -> None:
        self.close_connection = True
        _shut(self.connection)


def refusal(arrival: Arrival, fault: Fault) -> Reply:
    """Return an error as the dialect of the request writes it."""
    if is_anthropic(arrival):
        body: Json = {
            "type": "error",
            "error": {"type": fault.error, "message": fault.message},
            "request_id": "req_sim",
        }
    else:
        body = {"error": {"message": fault.message, "type": fault.error, "param": fault.needs or None, "code": None}}
    return Reply(body, status=fault.status, headers=fault.headers | _headers(arrival, "refused"))


def is_anthropic(arrival: Arrival) -> bool:
    """Whether a request speaks Anthropic's dialect."""
    return "anthropic-version" in arrival.headers


def _broken(reply: Reply, fault: Fault) -> list[bytes]:
    """Return the frames of a stream with what a fault puts half-way into them."""
    parts = reply.parts()
    if not fault.inject:
        return parts
    half = parts[: len(parts) // 2]
    if fault.inject == "malformed":
        return [*half, MALFORMED, *parts[len(half) :]]
    error = {"type": "server_error", "message": "the simulator failed half-way", "code": "server_error", "param": None}
    if b"message_start" in parts[0]:
        overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        return [*half, frame(overloaded, "error")]
    if b"response.created" in parts[0]:
        return [*half, frame({**error, "type": "error", "sequence_number": len(half)}, "error")]
    return [*half, frame({"error": error})]


def _headers(arrival: Arrival, token: str) -> dict[str, str]:
    """Return the headers by which the vendors say who is billed."""
    asked = arrival.headers
    if is_anthropic(arrival):
        organization = asked.get("x-sim-organization", "00000000-0000-4000-8000-000000000000")
        return {"request-id": f"req_01{token[:22]}", "anthropic-organization-id": organization}
    return {
        "x-request-id": f"req_{token}",
        "openai-organization": asked.get("openai-organization", "org-simulator"),
        "openai-project": asked.get("openai-project", "proj_simulator"),
        "openai-processing-ms": "7",
        "openai-version": "2020-10-01",
    }


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was quicker
