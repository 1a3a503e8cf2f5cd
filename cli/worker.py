"""`ballast worker`: one worker process of a track; `ballast up` starts it, and more may be added."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer


def worker(
    terms: Annotated[
        Path, typer.Argument(help="What it works for, as `ballast up` wrote it.", exists=True, dir_okay=False)
    ],
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Answer Prometheus here; 0: do not.")
    ] = 0,
    traces: Annotated[
        str, typer.Option(help="Send traces there by OTLP, as http://127.0.0.1:4318/v1/traces.")
    ] = "",
) -> None:
    """Work on every task queue of a track until told to stop; what is under way is finished first.

    Any number may run: they hold no state. Lines go to stderr, as JSON unless
    that is a terminal.

    Example: ballast worker HOME/replay/tracks/TRACK/worker.json
    """
    from adapters.observability import log_lines, serve_metrics, tracing
    from worker.main import serve
    from worker.terms import Terms

    log_lines(as_json=not sys.stderr.isatty())
    if metrics_port:
        serve_metrics(metrics_port)
    plugins = [tracing("ballast-worker", traces)] if traces else []
    told = Terms.model_validate_json(terms.read_bytes())
    asyncio.run(serve(told, lambda: typer.echo(f"working for {told.track}"), plugins))
