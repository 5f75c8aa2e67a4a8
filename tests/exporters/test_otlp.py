"""Samples reach a collector as they are: kinds, start times, attributes, digits."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from meter.errors import MeterError, SettingInvalid
from meter.exporters import otlp
from meter.exporters.samples import Metric, Sample
from tests.exporters.receiver import receiving, value

SPEND = Metric("meter.spend", "{currency}", "sum", "Effective cost.")
REVISION = Metric("meter.spend.revision", "{currency}", "updown", "What repricing added.")
PERIOD = Metric("meter.spend.period", "{currency}", "gauge", "Effective cost of a period.")
BEGAN = datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=timezone.utc)
NOW_NS = 1_800_000_000_123_456_789
SAMPLES = [
    Sample(SPEND, {"currency": "USD", "team": "search"}, Decimal("0.000240000001"), BEGAN),
    Sample(SPEND, {"currency": "EUR"}, 12, BEGAN),
    Sample(PERIOD, {"currency": "USD", "period": "today"}, Decimal(0)),
    Sample(PERIOD, {"currency": "USD", "period": "last_month"}, 1 << 70),
]


def sent(samples: Iterable[Sample]) -> int:
    exporter = otlp.build(lambda: samples, now_ns=lambda: NOW_NS)
    try:
        return exporter.export()
    finally:
        exporter.close()


def test_sums_are_cumulative_and_monotonic_with_their_start_and_gauges_have_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        assert sent(SAMPLES) == 4
    metrics, points = receiver.metrics(), receiver.points()
    spend = metrics["meter.spend"]
    assert (spend.unit, spend.description) == ("{currency}", "Effective cost.")
    assert spend.sum.is_monotonic
    assert spend.sum.aggregation_temporality == 2  # AGGREGATION_TEMPORALITY_CUMULATIVE
    assert {point.start_time_unix_nano for point in spend.sum.data_points} == {1_767_225_600_250_000_000}
    assert {point.start_time_unix_nano for point in metrics["meter.spend.period"].gauge.data_points} == {0}
    assert {point.time_unix_nano for point in points.values()} == {NOW_NS}
    assert {series: value(point) for series, point in points.items()} == {
        ("meter.spend", (("currency", "USD"), ("team", "search"))): 0.000240000001,
        ("meter.spend", (("currency", "EUR"),)): 12,
        ("meter.spend.period", (("currency", "USD"), ("period", "today"))): 0.0,
        ("meter.spend.period", (("currency", "USD"), ("period", "last_month"))): float(1 << 70),
    }


def test_an_updown_is_cumulative_with_its_start_and_may_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    falls = [Sample(REVISION, {"currency": "USD"}, Decimal("-0.5"), BEGAN)]
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        assert sent(falls) == 1
    revision = receiver.metrics()["meter.spend.revision"]
    assert not revision.sum.is_monotonic
    assert revision.sum.aggregation_temporality == 2  # AGGREGATION_TEMPORALITY_CUMULATIVE
    assert [point.start_time_unix_nano for point in revision.sum.data_points] == [1_767_225_600_250_000_000]
    assert [value(point) for point in revision.sum.data_points] == [-0.5]


def test_the_standard_variables_mean_what_they_mean_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{receiver.url}/custom/path")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=finops")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod,service.instance.id=pod-7")
        assert sent(SAMPLES) == 4
    assert receiver.headers[0]["x-tenant"] == "finops"
    assert receiver.headers[0]["content-encoding"] == "gzip"
    assert receiver.resource() == {
        "service.name": "meter-agent",
        "host.name": socket.gethostname(),
        "service.instance.id": "pod-7",
        "deployment.environment.name": "prod",
    }


def test_the_name_of_the_service_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "spend")
    assert otlp.resource().attributes["service.name"] == "spend"


def test_a_collector_that_is_down_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving() as receiver:
        url = receiver.url  # nobody listens there any more when the block ends
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url.replace("//", "//user:secret@"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1.3")  # one retry
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(MeterError, match=r"did not take 4 samples: .*refused") as caught,
    ):
        sent(SAMPLES)
    assert url in caught.value.message
    assert "secret" not in caught.value.message
    assert "nothing is lost" in (caught.value.hint or "")
    assert not caplog.records


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_collector_that_refuses_is_an_error_with_its_status(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with receiving(status) as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        with pytest.raises(MeterError, match=str(status)):
            sent(SAMPLES)


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"])
def test_a_protocol_that_is_not_spoken_is_said_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "grpc")
    with pytest.raises(SettingInvalid, match=f"{name}=grpc") as caught:
        otlp.build(lambda: SAMPLES)
    assert "http/protobuf" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"}, "http://a"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://b/m"},
            "http://b/m",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_METRICS_EXPORTER": "none"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://me:pw@a:4318/x"}, "https://a:4318/x"),
    ],
)
def test_nothing_is_sent_unless_an_endpoint_is_set(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str | None
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert otlp.endpoint() == expected


def test_an_exporter_asks_anew_for_each_export(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = iter([SAMPLES[:1], SAMPLES])
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        exporter = otlp.build(lambda: next(batches))
        assert [exporter.export(), exporter.export()] == [1, 4]
        exporter.close()
