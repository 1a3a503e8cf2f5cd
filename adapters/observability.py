"""What a process says about itself while it works: log lines, metrics, traces.

A log line is one JSON object (or one coloured line for people) and carries what `bound` bound around it:
asof, portfolio, workflow, order. Field names are those that Google Cloud reads. Metrics wait on a port for
Prometheus; they, and traces, leave by OTLP too (`adapters.telemetry`), if somebody said where to.
"""

import logging
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

import structlog
from opentelemetry import trace
from prometheus_client import Counter, Gauge, Histogram, start_http_server

from trading.risk.trading_state import STATES, Standing

STATE = Gauge(
    "ballast_trading_state", "0 ACTIVE, 1 REDUCING, 2 HALTED, by the database", ["track", "portfolio"]
)
EPOCH = Gauge("ballast_halt_epoch", "Raised by every trip and every resume", ["track", "portfolio"])
ALERTS = Counter("ballast_alerts", "Alerts that left", ["kind", "channel"])
WORK_S = Histogram("ballast_activity_seconds", "Time of one attempt of an activity", ["activity", "outcome"])

CALLS_S = Histogram("ballast_venue_seconds", "Time of one call of a venue", ["endpoint", "outcome"])
HTTP_S = Histogram("ballast_http_seconds", "Time of one answer of the API", ["method", "route", "status"])
KEPT = Counter(
    "ballast_promises",
    "Hours decided in time, orders whose outcome was known in time",
    ["track", "promise", "kept"],
)
VITALS = {
    "last_hour": Gauge("ballast_last_hour_seconds", "asof of the last hour closed, Unix time", ["track"]),
    "data_age_s": Gauge("ballast_data_age_seconds", "Since the close of the last bar fetched", ["track"]),
    "unknown_orders": Gauge(
        "ballast_unknown_orders", "Sent, and nobody knows what became of them", ["track"]
    ),
    "open_findings": Gauge("ballast_open_findings", "Of comparisons, that nobody reviewed", ["track"]),
    "waiting_alerts": Gauge("ballast_waiting_alerts", "That have left by no channel yet", ["track"]),
}

Line = MutableMapping[str, Any]


def log_lines(*, as_json: bool, level: int = logging.INFO, project: str = "") -> None:
    """Send every line of this process, ours or a library's, to stderr in one form.

    `project` of Google Cloud: there, a line's trace is a link to be followed only under its whole name.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(),
        _drop_handle,
        structlog.stdlib.add_logger_name,
        _add_severity,
        partial(_add_trace, f"projects/{project}/traces/" if project else ""),
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
    # A collector that is away is no error of ours, and would be one each minute.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)


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


def show_promise(track: str, promise: str, *, kept: bool) -> None:
    KEPT.labels(track, promise, "kept" if kept else "broken").inc()


def show_vitals(track: str, vitals: Mapping[str, float]) -> None:
    """By the names of `adapters.storage.promises.Vitals`."""
    for name, gauge in VITALS.items():
        gauge.labels(track).set(vitals[name])


def _add_severity(_logger: object, method: str, line: Line) -> Line:
    line["severity"] = method.upper()
    return line


def _drop_handle(_logger: object, _method: str, line: Line) -> Line:
    """The engine's client hangs its own record on each of its lines."""
    line.pop("temporal_log", None)
    return line


def _add_trace(prefix: str, _logger: object, _method: str, line: Line) -> Line:
    """The trace that this line belongs to, if there is one."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["logging.googleapis.com/trace"] = f"{prefix}{context.trace_id:032x}"
        line["logging.googleapis.com/spanId"] = f"{context.span_id:016x}"
    return line
