"""Traces and metrics leave by OTLP, to a collector of one's own or to Google's address for it.

A trace is an hour from its launch to its orders: the engine's plugin carries it through workflows and
activities, and what is done inside is a span of its own: a request to the API (FastAPI's own), a statement, a
venue's call. Metrics are those that Prometheus reads, so there is one list of them. Nothing here sees a
parameter, a body or a header, which may be secret.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from prometheus_client import REGISTRY
from sqlalchemy import Connection, Engine, event

from adapters.observability import CALLS_S

if TYPE_CHECKING:
    from requests import Session
    from temporalio.contrib.opentelemetry import OpenTelemetryPlugin

GOOGLE = "googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
EVERY_MS = 60_000
tracer = trace.get_tracer("ballast")


def told_by_otlp(otlp: str, service: str) -> list["OpenTelemetryPlugin"]:
    """Let everything leave to `otlp`; what to connect to the engine with. Nothing where it is empty."""
    if not otlp:
        return []
    metering(service, otlp)
    statements()
    return [tracing(service, otlp)]


def tracing(service: str, otlp: str) -> "OpenTelemetryPlugin":
    """What to connect a client of the engine with; its workers inherit it.

    `otlp` takes OTLP over HTTP, such as http://127.0.0.1:4318.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from temporalio.contrib.opentelemetry import OpenTelemetryPlugin, create_tracer_provider

    provider = create_tracer_provider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(f"{otlp}/v1/traces", session=_session(otlp))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return OpenTelemetryPlugin(add_temporal_spans=True)


def metering(service: str, otlp: str, every_ms: int = EVERY_MS) -> Callable[[], None]:
    """Send every metric of this process there, each minute; returns how to send what there is at once."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    exporter = OTLPMetricExporter(f"{otlp}/v1/metrics", session=_session(otlp))
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=every_ms)
    provider = MeterProvider([reader], resource=Resource.create({"service.name": service}))
    metrics.set_meter_provider(provider)
    meter = provider.get_meter("ballast")
    for name, counts in _samples().items():
        make = meter.create_observable_counter if counts else meter.create_observable_gauge
        make(name, [_reading(name)])

    def flush() -> None:
        provider.force_flush()

    return flush


def _samples() -> dict[str, bool]:
    """Names of everything in the registry, and whether it only ever grows: a histogram is counters."""
    found: dict[str, bool] = {}
    for family in REGISTRY.collect():
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        found |= {family.name + ending: family.type != "gauge" for ending in endings}
    return found


def _reading(name: str) -> Callable[[CallbackOptions], Iterator[Observation]]:
    def read(_options: CallbackOptions) -> Iterator[Observation]:
        for family in REGISTRY.collect():
            for sample in family.samples:
                if sample.name == name:
                    yield Observation(sample.value, sample.labels)

    return read


def _session(otlp: str) -> "Session | None":
    """What proves to Google who we are; a collector in one's own network wants no proof."""
    if GOOGLE not in otlp:
        return None
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[SCOPE])
    session: Session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    return session


@contextmanager
def venue_call(endpoint: str) -> Iterator[None]:
    """One call of a venue: timed, counted by how it ended, and a part of the trace."""
    begun, outcome = perf_counter(), "answered"
    try:
        with tracer.start_as_current_span(f"venue {endpoint}"):
            yield
    except Exception as error:
        outcome = type(error).__name__
        raise
    finally:
        CALLS_S.labels(endpoint, outcome).observe(perf_counter() - begun)


def statements() -> None:
    """From now on every statement is a span, named by what it does; its values stay unsaid."""

    def begin(
        connection: Connection,
        _cursor: object,
        statement: str,
        _values: object,
        _context: object,
        _many: bool,
    ) -> None:
        system = connection.dialect.name
        attributes = {"db.system.name": system, "db.query.text": statement[:2_000]}
        name = f"{system} {statement.split(maxsplit=1)[0]}"
        connection.info["span"] = tracer.start_span(name, attributes=attributes)

    def end(connection: Connection, *_rest: object) -> None:
        begun = connection.info.pop("span", None)
        if begun is not None:
            begun.end()

    def fail(context: Any) -> None:
        begun = context.connection.info.pop("span", None) if context.connection is not None else None
        if begun is not None:
            begun.set_status(trace.StatusCode.ERROR)
            begun.end()

    event.listen(Engine, "before_cursor_execute", begin)
    event.listen(Engine, "after_cursor_execute", end)
    event.listen(Engine, "handle_error", fail)
