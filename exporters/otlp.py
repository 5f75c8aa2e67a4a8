"""Samples to an OpenTelemetry collector, with the official exporter (HTTP, protobuf).

The standard variables hold: OTEL_EXPORTER_OTLP_[METRICS_]ENDPOINT, _HEADERS, _TIMEOUT, _COMPRESSION, _CERTIFICATE,
_CLIENT_KEY, _CLIENT_CERTIFICATE, OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME, OTEL_METRICS_EXPORTER. Without an endpoint
nothing is sent. Sums are always cumulative: they come from persisted sums.

OTLP has no decimals: money becomes the nearest double here, and nowhere before.
"""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as OtlpMetric
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from meter import settings
from meter.errors import MeterError, SettingInvalid
from meter.exporters.samples import Metric, Sample

ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN = "http/protobuf"

_TRANSIENT = re.compile(r"Transient error (.*) encountered while .*")
_INT64 = range(-(1 << 63), 1 << 63)

Read = Callable[[], Iterable[Sample]]


@dataclass(frozen=True)
class OtlpExporter:
    """Reads the samples when asked and sends them; it holds none, so a restart loses nothing."""

    read: Read
    resource: Resource
    sender: MetricExporter
    now_ns: Callable[[], int]

    def export(self) -> int:
        """Send every sample and return how many there were. Raises MeterError when the collector does not take them."""
        samples = list(self.read())
        with _complaints() as said:
            result = self.sender.export(metrics_data(samples, self.resource, self.now_ns()))
        if result is not MetricExportResult.SUCCESS:
            reason = (
                _TRANSIENT.sub(r"\1", said[0]) if said else "no reason was given"
            )  # the last is only that it gave up
            raise MeterError(
                f"the collector at {endpoint()} did not take {len(samples)} samples: {reason}",
                hint="nothing is lost: the next export sends the same sums; check the collector and OTEL_EXPORTER_OTLP_ENDPOINT",
            )
        return len(samples)

    def close(self) -> None:
        """Close the connection."""
        self.sender.shutdown()


def endpoint() -> str | None:
    """Return where metrics are to be sent, without a password in it; None when nobody asked for it."""
    if is_switched_off():
        return None
    environ = settings.environ()
    found = next((text for name in ENDPOINTS if (text := environ.get(name, "").strip())), None)
    return re.sub(r"//[^/@]*@", "//", found) if found else None


def is_switched_off() -> bool:
    """Tell whether OTEL_METRICS_EXPORTER wants no metrics sent, whatever the endpoint."""
    return settings.environ().get("OTEL_METRICS_EXPORTER", "otlp").strip().lower() == "none"


def build(read: Read, *, now_ns: Callable[[], int] = time.time_ns) -> OtlpExporter:
    """Return the exporter that the environment describes. Raises SettingInvalid for a protocol it does not speak."""
    environ = settings.environ()
    for name in PROTOCOLS:
        if (protocol := environ.get(name, "").strip()) not in ("", SPOKEN):
            raise SettingInvalid(
                f"{name}={protocol} is not supported", hint=f"set it to {SPOKEN}, port 4318 of most collectors"
            )
    return OtlpExporter(read, resource(), OTLPMetricExporter(), now_ns)


def resource() -> Resource:
    """Return who sends: one agent per host, by the host's name, unless the environment says otherwise."""
    host = socket.gethostname()
    own = Resource({"service.name": "meter-agent", "service.instance.id": host, "host.name": host})
    return own.merge(OTELResourceDetector().detect())


def metrics_data(samples: Iterable[Sample], resource: Resource, now_ns: int) -> MetricsData:
    """Return the samples as OpenTelemetry's data model: pure, in the order in which the metrics came."""
    by_metric: dict[Metric, list[Sample]] = {}
    for sample in samples:
        by_metric.setdefault(sample.metric, []).append(sample)
    metrics = [_metric(metric, found, now_ns) for metric, found in by_metric.items()]
    scope = ScopeMetrics(InstrumentationScope("meter"), metrics, schema_url="")
    return MetricsData([ResourceMetrics(resource, [scope], schema_url="")])


def _metric(metric: Metric, samples: Iterable[Sample], now_ns: int) -> OtlpMetric:
    points = [_point(sample, now_ns) for sample in samples]
    return OtlpMetric(metric.name, metric.help, metric.unit, _data(metric.kind, points))


def _data(kind: str, points: Sequence[NumberDataPoint]) -> Gauge | Sum:
    if kind == "gauge":
        return Gauge(points)
    return Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=kind == "sum")


def _point(sample: Sample, now_ns: int) -> NumberDataPoint:
    since = sample.since
    start_ns = int(since.timestamp()) * 10**9 + since.microsecond * 1000 if since is not None else 0
    return NumberDataPoint(dict(sample.attributes), start_ns, now_ns, _number(sample.value))


def _number(value: int | Decimal) -> int | float:
    return value if isinstance(value, int) and value in _INT64 else float(value)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect what the official exporter logs: it returns no reason, and a command prints one sentence, not a log."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("opentelemetry.exporter.otlp")
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
