"""The tools compared: what pip installs for each, how each is switched on as its README says, and where its output goes: nowhere.

Every tool keeps its defaults (batch processing in a thread, content captured where that is its default). Its exporter is one that
drops what it gets, so that only the cost inside the process counts, and nothing leaves the machine. This file runs in every
environment and is timed at start-up, so it imports nothing by itself.
"""

# mypy: disable-error-code="import-not-found"
# Each tool lies in an environment of its own only.
from __future__ import annotations

SDKS = ("openai", "anthropic")

REQUIREMENTS = {
    "openllmetry": ("opentelemetry-instrumentation-openai==0.62.4", "opentelemetry-sdk", "openai"),
    "openlit": ("openlit==1.45.0", "openai>=2,<3", "anthropic>=0.100,<1", "opentelemetry-sdk>=1.45", "boto3>=1.44"),
    "langfuse": ("langfuse==5.0.4", "openai"),
    "openinference": ("openinference-instrumentation-openai==0.1.66", "opentelemetry-sdk", "openai"),
}
TOOLS = ("opentelemetry-instrumentation-openai", "openlit", "langfuse", "openinference-instrumentation-openai")
METER = ("wrapt>=1.17", "msgspec>=0.19")

QUIET = {
    "TRACELOOP_TELEMETRY": "false",
    "OPENLIT_TELEMETRY_ENABLED": "false",
    "LANGFUSE_TELEMETRY_ENABLED": "false",
    "LANGFUSE_BASE_URL": "http://127.0.0.1:9",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_TRACES_EXPORTER": "none",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
    "PYTHONWARNINGS": "ignore",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}
"""Environment of every child: telemetry off, and a dead end for whatever tries all the same."""


def bare() -> None:
    """Nothing but the SDK."""


def meter() -> None:
    import meter.auto  # noqa: F401


def wire() -> None:
    import meter

    meter.install(wire=True)


def openllmetry() -> None:
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    _providers()
    OpenAIInstrumentor().instrument()


def openinference() -> None:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    _providers()
    OpenAIInstrumentor().instrument()


def openlit() -> None:
    import tempfile

    import openlit as tool

    _providers()
    with tempfile.NamedTemporaryFile("w", suffix=".json") as prices:  # else it fetches its price list from the network
        prices.write('{"chat": {"gpt-4o-mini": {"promptPrice": 0.00015, "completionPrice": 0.0006}}, "embeddings": {}}')
        prices.flush()
        tool.init(pricing_json=prices.name)


def langfuse() -> None:
    from langfuse import Langfuse

    Langfuse(public_key="pk-lf-bench", secret_key="sk-lf-bench", base_url="http://127.0.0.1:9", span_exporter=Dropped())
    import langfuse.openai  # noqa: F401 - patches the SDK as it is imported


class Dropped:
    """An exporter of spans and of log records that drops what it gets."""

    def export(self, batch: object) -> None:
        """Do nothing."""

    def shutdown(self) -> None:
        """Have nothing to shut down."""

    def force_flush(self, timeout_millis: int = 0) -> bool:
        return True


def _providers() -> None:
    """Set the global providers as a service would: spans, metrics and log records are processed in batches, then dropped."""
    from opentelemetry import _logs, metrics, trace
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    spans, logs = TracerProvider(), LoggerProvider()
    spans.add_span_processor(BatchSpanProcessor(Dropped()))  # type: ignore[arg-type]
    logs.add_log_record_processor(BatchLogRecordProcessor(Dropped()))  # type: ignore[arg-type]
    trace.set_tracer_provider(spans)
    _logs.set_logger_provider(logs)
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))


INSTALL = {
    function.__name__: function for function in (bare, meter, wire, openllmetry, openlit, langfuse, openinference)
}
