"""What a process says about itself while it works: log lines, metrics, traces.

A log line is one JSON object (or one coloured line for people) and carries what `bound` bound around it:
asof, portfolio, workflow, order. Field names are those that Google Cloud reads. Metrics wait on a port for
Prometheus; traces leave by OTLP, if somebody said where to.
"""

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

import structlog
from opentelemetry import trace
from prometheus_client import Counter, Gauge, Histogram, start_http_server

from trading.risk.trading_state import STATES, Standing

if TYPE_CHECKING:
    from temporalio.contrib.opentelemetry import OpenTelemetryPlugin

STATE = Gauge(
    "ballast_trading_state", "0 ACTIVE, 1 REDUCING, 2 HALTED, by the database", ["track", "portfolio"]
)
EPOCH = Gauge("ballast_halt_epoch", "Raised by every trip and every resume", ["track", "portfolio"])
ALERTS = Counter("ballast_alerts", "Alerts that left", ["kind", "channel"])
WORK_S = Histogram("ballast_activity_seconds", "Time of one attempt of an activity", ["activity", "outcome"])

Line = MutableMapping[str, Any]


def log_lines(*, as_json: bool, level: int = logging.INFO) -> None:
    """Send every line of this process, ours or a library's, to stderr in one form."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.add_logger_name,
        _add_severity,
        _add_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    last: list[structlog.types.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        last += [structlog.processors.format_exc_info, structlog.processors.EventRenamer("message")]
        last += [structlog.processors.JSONRenderer(sort_keys=True, default=str)]
    else:
        last += [structlog.dev.ConsoleRenderer()]
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # A line for every request would be most of the log; replies are kept elsewhere, byte for byte.
    logging.getLogger("httpx").setLevel(logging.WARNING)


@contextmanager
def bound(**names: object) -> Iterator[None]:
    """Every line inside carries these names; empty ones are left out."""
    told = {name: str(value) for name, value in names.items() if value not in (None, "")}
    with structlog.contextvars.bound_contextvars(**told):
        yield


@contextmanager
def measured(activity: str) -> Iterator[None]:
    """Count and time one attempt of an activity."""
    begun = perf_counter()
    outcome = "failed"
    try:
        yield
        outcome = "done"
    finally:
        WORK_S.labels(activity, outcome).observe(perf_counter() - begun)


def show_state(track: str, portfolio: str, standing: Standing) -> None:
    STATE.labels(track, portfolio).set(STATES.index(standing.state))
    EPOCH.labels(track, portfolio).set(standing.epoch)


def serve_metrics(port: int, host: str = "127.0.0.1") -> None:
    """Answer Prometheus from a thread of its own; an `OSError` if the port is taken."""
    start_http_server(port, host)


def tracing(service: str, endpoint: str) -> "OpenTelemetryPlugin":
    """What to connect a client of the engine with, so that an hour is one trace, from launch to orders.

    `endpoint` takes OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces. Workers inherit the client's
    plugin.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider

    provider = create_tracer_provider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    trace.set_tracer_provider(provider)
    return OpenTelemetryPlugin(add_temporal_spans=True)


def _add_severity(_logger: object, method: str, line: Line) -> Line:
    line["severity"] = method.upper()
    return line


def _add_trace(_logger: object, _method: str, line: Line) -> Line:
    """The trace that this line belongs to, if there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["logging.googleapis.com/trace"] = f"{context.trace_id:032x}"
        line["logging.googleapis.com/spanId"] = f"{context.span_id:016x}"
    return line
