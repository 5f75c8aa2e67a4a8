"""What a request gets: its route, its usage, its fault."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from meter.errors import MeterError
from meter.simulator import counts, faults, interactions, openai_responses, openai_runs, vendors
from meter.simulator.faults import Fault
from meter.simulator.routes import ROUTES, Route
from meter.simulator.server import Delivery, Server
from meter.simulator.wire import Arrival, Ask, Json, Reply

MAX_REMEMBERED = 10_000
MAX_STORED = 1_000
FINALS = {
    "openai.responses": openai_responses.final,
    "openai.runs": openai_runs.final,
    "gemini.interactions": interactions.final,
}
"""What is kept of an answer that may be asked for again."""

LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


class Simulator:
    """A loopback server that answers as OpenAI and Anthropic do. Use it as a context manager.

    `seed`: None states the fixture's counts, a number varied ones. `usage`: usage objects to serve as they are, by the
    route's api name. `delay_s`: seconds between the events of a stream. `stall_s`: how long a stall lasts. `fault`: what
    every request gets. All can be changed while it runs.
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
        faults.named(fault)  # a wrong name is an error here, not in a thread
        self.seed = seed
        self.usage: dict[str, Any] = dict(usage or {})
        self.delay_s = delay_s
        self.stall_s = stall_s
        self.fault = fault
        self.requests: list[Arrival] = []
        self._max_remembered = max_remembered
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._stored: dict[str, Json] = {}
        self._server = Server(self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="simulator", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop: stalls end, open connections are closed, threads are joined."""
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join()

    def _answer(self, arrival: Arrival, raw: bytes) -> Delivery:
        arrival = _named(arrival)
        self._remember(arrival)
        try:
            fault = self._fault_of(arrival)
            delay_s = _delay_of(arrival.headers, self.delay_s)
            return Delivery(self._reply(arrival, raw, fault), fault, self.stall_s, delay_s)
        except MeterError as error:
            fault = replace(faults.BAD_HEADER, message=str(error))
            return Delivery(vendors.refusal(arrival, fault), fault, self.stall_s, 0.0)

    def _reply(self, arrival: Arrival, raw: bytes, fault: Fault) -> Reply:
        if fault.error:
            return vendors.refusal(arrival, fault)
        path = arrival.path.partition("?")[0]
        route = next((row for row in ROUTES if row.method == arrival.method and row.path.search(path)), None)
        if route is None:
            return self._retrieved(arrival, path)
        ask = self._ask(route, arrival, raw, fault)
        reply = faults.broken(route.answer(ask), fault)
        reply.headers |= vendors.identity(arrival, ask.token)
        if (final := FINALS.get(route.api)) is not None:
            self._store(final(ask))
        return reply

    def _remember(self, arrival: Arrival) -> None:
        with self._lock:
            self.requests.append(arrival)
            del self.requests[: max(0, len(self.requests) - self._max_remembered)]

    def _fault_of(self, arrival: Arrival) -> Fault:
        model = str(arrival.body.get("model", ""))
        name = arrival.headers.get("x-sim-fault") or faults.of_model(model) or self.fault
        fault, once = faults.named(name)
        if once:
            with self._lock:
                self._seen[name, model] += 1
                fault = fault if self._seen[name, model] % 2 else faults.NONE
        return fault if not fault.needs or fault.needs in arrival.body else faults.NONE

    def _ask(self, route: Route, arrival: Arrival, raw: bytes, fault: Fault) -> Ask:
        body, headers = arrival.body, arrival.headers
        stated = _usage_of(headers) or self.usage.get(route.api)
        sizes = route.fixture
        if self.seed is not None:
            drawn = counts.varied(sizes, str(body.get("model", "")), raw, self.seed)
            sizes = counts.capped(drawn, next(filter(None, map(body.get, LIMITS)), None))
        if any(str(tool.get("type")).startswith("web_search") for tool in body.get("tools") or ()):
            sizes = replace(sizes, web_searches=max(1, sizes.web_searches))
        return Ask(
            path=arrival.path.partition("?")[0],
            headers=headers,
            body=body,
            counts=sizes,
            usage=stated if fault.usage is None else fault.usage,
            finish=fault.finish,
            tier=headers.get("x-sim-tier"),
        )

    def _store(self, body: Json) -> None:
        """Keep the finished answer for a GET that asks for it, as the one who runs it in the background does."""
        with self._lock:
            self._stored[body["id"]] = body
            if len(self._stored) > MAX_STORED:
                del self._stored[next(iter(self._stored))]

    def _retrieved(self, arrival: Arrival, path: str) -> Reply:
        if arrival.method == "GET" and (body := self._stored.get(path.rpartition("/")[2])):
            return Reply(body)
        missing = replace(faults.named("not-found")[0], message=f"no such place: {arrival.method} {path}")
        return vendors.refusal(arrival, missing)


def _named(arrival: Arrival) -> Arrival:
    """Put the model that a path names into the body, where the other wires have it."""
    found = re.search(r"/models?/(?P<model>[^/:]+)[:/]", arrival.path)
    if found is None or arrival.method != "POST":
        return arrival
    return arrival._replace(body={**arrival.body, "model": unquote(found["model"])})


def _usage_of(headers: Mapping[str, str]) -> Any:
    text = headers.get("x-sim-usage", "null")
    try:
        return json.loads(text)
    except ValueError as error:
        raise MeterError(f"x-sim-usage is no JSON: {text[:80]}") from error


def _delay_of(headers: Mapping[str, str], default: float) -> float:
    text = headers.get("x-sim-delay", str(default))
    try:
        return float(text)
    except ValueError as error:
        raise MeterError(f"x-sim-delay is no number of seconds: {text[:80]}") from error
