"""Lines carry what they are about, metrics answer, traces leave."""

import asyncio
import gzip
import io
import json
import logging
import re
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry import metrics as otel_metrics
from opentelemetry import trace
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.halt_messages import OfPortfolio
from adapters.observability import bound, log_lines, serve_metrics, show_promise, show_state
from adapters.storage.engine import connect, sqlite_url
from adapters.telemetry import told_by_otlp, venue_call
from api.observed import Observed as Answered
from tests.devserver import free_ports
from trading.risk.trading_state import REDUCING, Standing
from worker.observed import Observed


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What this process logs, as JSON, and everything as it was afterwards."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    log_lines(as_json=True, project="trading-1")
    written = io.StringIO()
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(written)
    yield written
    root.handlers, root.level = before, level


def told(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_carries_what_was_bound_around_it(lines: io.StringIO) -> None:
    log = logging.getLogger("ballast.test")
    with bound(asof="2026-03-01T12:00Z", portfolio="main", order=""):
        log.warning("%s fills", 3, extra={"venue": "kraken"})
    log.info("after")
    first, second = told(lines)
    assert (first["message"], first["severity"], first["logger"]) == ("3 fills", "WARNING", "ballast.test")
    assert (first["asof"], first["portfolio"], first["venue"]) == ("2026-03-01T12:00Z", "main", "kraken")
    assert "order" not in first
    assert "portfolio" not in second
    assert first["time"].endswith("Z")


def test_an_error_s_story_is_in_its_line(lines: io.StringIO) -> None:
    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger("x").exception("it broke")
    (line,) = told(lines)
    assert "ValueError: why" in line["exception"]


class Next(ActivityInboundInterceptor):
    """The end of the chain: an activity that logs, then does as told."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        logging.getLogger("ballast.work").info("working")
        if self.fails:
            raise ValueError


def test_an_activity_s_lines_name_its_work_and_its_time_is_counted(lines: io.StringIO) -> None:
    def run(fails: bool) -> None:
        observed = Observed().intercept_activity(Next(fails))
        work = ExecuteActivityInput(print, [OfPortfolio(track="replay-a", portfolio="main")], None, {})
        asyncio.run(ActivityEnvironment().run(observed.execute_activity, work))

    run(fails=False)
    with pytest.raises(ValueError, match=r"^$"):
        run(fails=True)
    line = told(lines)[0]
    assert (line["track"], line["portfolio"], line["message"]) == ("replay-a", "main", "working")
    assert {"workflow", "activity", "attempt"} <= set(line)
    assert 'outcome="done"} 1.0' in metrics()
    assert 'outcome="failed"} 1.0' in metrics()


def metrics() -> str:
    """What Prometheus would read, of activities."""
    (port,) = free_ports(1)
    serve_metrics(port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read().decode())


def counted(name: str, labels: dict[str, str]) -> float:
    """How often something was timed in this process so far, by whichever test."""
    return REGISTRY.get_sample_value(f"ballast_{name}_seconds_count", labels) or 0.0


def test_the_trading_state_is_a_metric() -> None:
    show_state("replay-a", "metric", Standing(REDUCING, 7))
    found = metrics()
    assert 'ballast_trading_state{portfolio="metric",track="replay-a"} 1.0' in found
    assert 'ballast_halt_epoch{portfolio="metric",track="replay-a"} 7.0' in found


class Collector:
    """Takes OTLP over HTTP and keeps it."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []
        keep = self.posted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                keep.append((self.path, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self) -> list[Span]:
        bodies = [
            ExportTraceServiceRequest.FromString(body) for path, body in self.posted if "traces" in path
        ]
        scopes = [scope for body in bodies for part in body.resource_spans for scope in part.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    def metrics(self) -> set[str]:
        bodies = [
            ExportMetricsServiceRequest.FromString(body) for path, body in self.posted if "metrics" in path
        ]
        scopes = [scope for body in bodies for part in body.resource_metrics for scope in part.scope_metrics]
        return {metric.name for scope in scopes for metric in scope.metrics}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """One for all, since a process says once where its traces go."""
    held = Collector()
    assert told_by_otlp(held.address, "ballast-test")
    yield held
    held.server.shutdown()
    held.server.server_close()


def sent(collector: Collector) -> dict[str, Span]:
    """Spans by name, once all have left."""
    trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]
    return {span.name: span for span in collector.spans()}


def test_request_statement_and_venue_call_are_one_trace_and_say_no_value(
    collector: Collector, tmp_path: Path
) -> None:
    engine = connect(sqlite_url(tmp_path / "x.db"))
    app = FastAPI()

    @app.get("/api/orders/{id}")
    def order(id: str) -> str:
        with venue_call("/0/private/QueryOrders"), engine.connect() as connection:
            connection.execute(text("SELECT :secret"), {"secret": "canary-77"})
        return id

    app.add_middleware(Answered)
    served = {"method": "GET", "route": "/api/orders/{id}", "status": "200"}
    called = {"endpoint": "/0/private/QueryOrders", "outcome": "answered"}
    before = counted("http", served), counted("venue", called)
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert TestClient(app).get("/api/orders/7", headers={"traceparent": parent}).status_code == 200
    spans = sent(collector)
    names = (
        *("GET /api/orders/{id}", "fastapi.endpoint"),
        *("venue /0/private/QueryOrders", "sqlite SELECT"),
    )
    chain = [spans[name] for name in names]
    assert {span.trace_id.hex() for span in chain} == {"0af7651916cd43dd8448eb211c80319c"}
    assert [span.parent_span_id for span in chain[1:]] == [span.span_id for span in chain[:-1]]
    assert all(b"canary-77" not in body for _, body in collector.posted)
    after = counted("http", served), counted("venue", called)
    assert [now - then for now, then in zip(after, before, strict=True)] == [1.0, 1.0]


def test_a_statement_that_fails_ends_its_span(collector: Collector, tmp_path: Path) -> None:
    with connect(sqlite_url(tmp_path / "y.db")).connect() as connection, pytest.raises(OperationalError):
        connection.execute(text("UPDATE nowhere SET x = 1"))
    assert sent(collector)["sqlite UPDATE"].status.code == 2


def test_a_venue_call_that_failed_is_counted_by_how() -> None:
    failed = {"endpoint": "/0/public/Time", "outcome": "TimeoutError"}
    before = counted("venue", failed)
    with pytest.raises(TimeoutError), venue_call("/0/public/Time"):
        raise TimeoutError
    assert counted("venue", failed) - before == 1.0


def test_every_metric_that_prometheus_reads_leaves_by_otlp_too(collector: Collector) -> None:
    show_state("replay-a", "otlp", Standing(REDUCING, 1))
    show_promise("replay-a", "hour", kept=True)
    otel_metrics.get_meter_provider().force_flush()  # type: ignore[attr-defined]
    sent_names = collector.metrics()
    ours = {line.split("{")[0].split()[0] for line in metrics().splitlines() if line.startswith("ballast_")}
    assert {name for name in ours if not name.endswith("_created")} <= sent_names
    assert {"ballast_promises_total", "ballast_trading_state", "ballast_venue_seconds_bucket"} <= sent_names


def test_lines_name_their_trace_as_google_wants_it(collector: Collector, lines: io.StringIO) -> None:
    with trace.get_tracer("test").start_as_current_span("hour"):
        logging.getLogger("x").info("inside")
    (line,) = told(lines)
    assert re.fullmatch(r"projects/trading-1/traces/[0-9a-f]{32}", line["logging.googleapis.com/trace"])
    assert len(line["logging.googleapis.com/spanId"]) == 16
