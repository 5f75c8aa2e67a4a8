"""An OTLP receiver on loopback that keeps what arrives."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

Series = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class Receiver:
    """What arrived: request headers, and the requests themselves."""

    port: int
    status: int = 200
    headers: list[dict[str, str]] = field(default_factory=list)
    requests: list[ExportMetricsServiceRequest] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def metrics(self) -> dict[str, Any]:
        """Every metric by name; the last of a name."""
        return {metric.name: metric for metric in self._all()}

    def wait_for(self, count: int) -> None:
        """Wait until so many points have arrived: a collector splits and delays."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.count() >= count, timeout=30), (
                f"{self.count()} of {count} points arrived"
            )

    def count(self) -> int:
        return sum(len(_points(metric)) for metric in self._all())

    def resource(self) -> dict[str, str]:
        return attributes(self.requests[0].resource_metrics[0].resource.attributes)

    def points(self) -> dict[Series, Any]:
        """Every data point by metric and attributes; a series that came twice is an error."""
        found: dict[Series, Any] = {}
        for metric in self._all():
            for point in _points(metric):
                series = (metric.name, tuple(sorted(attributes(point.attributes).items())))
                assert series not in found, series
                found[series] = point
        return found

    def forget(self) -> None:
        self.requests.clear()

    def _all(self) -> Iterator[Any]:
        for request in self.requests:
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    yield from scope.metrics


def _points(metric: Any) -> Any:
    return (metric.sum if metric.HasField("sum") else metric.gauge).data_points


def attributes(pairs: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in pairs}


def value(point: Any) -> int | float:
    found: int | float = getattr(point, point.WhichOneof("value"))
    return found


@contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    """Listen until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            with receiver.arrived:
                receiver.headers.append({name.lower(): text for name, text in self.headers.items()})
                receiver.requests.append(ExportMetricsServiceRequest.FromString(body))
                receiver.arrived.notify_all()
            self.send_response(receiver.status)
            self.send_header("content-length", "0")
            self.send_header("content-type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        receiver = Receiver(server.server_address[1], status)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
