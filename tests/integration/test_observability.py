"""Lines carry what they are about, metrics answer, traces leave."""

import asyncio
import io
import json
import logging
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry import trace
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.halt_messages import OfPortfolio
from adapters.observability import bound, log_lines, serve_metrics, show_state, tracing
from tests.devserver import free_ports
from trading.risk.trading_state import REDUCING, Standing
from worker.observed import Observed


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What this process logs, as JSON, and everything as it was afterwards."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    log_lines(as_json=True)
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


def test_the_trading_state_is_a_metric() -> None:
    show_state("replay-a", "metric", Standing(REDUCING, 7))
    found = metrics()
    assert 'ballast_trading_state{portfolio="metric",track="replay-a"} 1.0' in found
    assert 'ballast_halt_epoch{portfolio="metric",track="replay-a"} 7.0' in found


def test_traces_leave_and_lines_name_them(lines: io.StringIO) -> None:
    posted: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert tracing("ballast-test", f"http://127.0.0.1:{server.server_port}/v1/traces")
        with trace.get_tracer("test").start_as_current_span("hour"):
            logging.getLogger("x").info("inside")
        trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
    assert posted == ["/v1/traces"]
    assert len(told(lines)[0]["logging.googleapis.com/trace"]) == 32
