"""`ballast worker`: one worker process of a track; `ballast up` starts it, and more may be added."""

import asyncio
import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

PROJECT = "GOOGLE_CLOUD_PROJECT"
"""In the environment: whose traces the lines of a log link to."""


class Pool(StrEnum):
    """Workers that serve a part of the queues each, so that each part grows by itself."""

    market = "market"
    trading = "trading"
    training = "training"


def worker(
    terms: Annotated[
        Path, typer.Argument(help="What it works for, as `ballast up` wrote it.", exists=True, dir_okay=False)
    ],
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Answer Prometheus here; 0: do not.")
    ] = 0,
    metrics_host: Annotated[str, typer.Option(help="Address to answer Prometheus at.")] = "127.0.0.1",
    engine_metrics_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The engine's own metrics, temporal_…, here; 0: not.")
    ] = 0,
    otlp: Annotated[
        str,
        typer.Option(
            envvar="BALLAST_OTLP", help="Send traces and metrics there by OTLP, as http://127.0.0.1:4318."
        ),
    ] = "",
    serve_pool: Annotated[
        Pool | None,
        typer.Option(
            "--serve",
            help="Serve these queues alone; trading waits for orders too.",
            show_default="what the terms say",
        ),
    ] = None,
    secrets_folder: Annotated[
        Path,
        typer.Option(
            "--secrets",
            envvar="BALLAST_SECRETS",
            help="Where `secret:NAME` in the terms is a file of mode 0600.",
        ),
    ] = Path("/run/secrets"),
) -> None:
    """Work on every task queue of a track until told to stop; what is under way is finished first.

    Any number may run: they hold no state. Lines go to stderr, as JSON unless
    that is a terminal. A credential in the terms may be a reference,
    `secret:NAME` or `secret:projects/P/secrets/NAME/versions/V`; the venue's
    key and the database's password are read anew, so that a rotation needs no
    restart.

    Example: ballast worker HOME/replay/tracks/TRACK/worker.json
    """
    from adapters.observability import log_lines, serve_metrics
    from adapters.secrets import secrets
    from adapters.storage.engine import renewed_passwords
    from adapters.telemetry import told_by_otlp
    from temporal.client import outspoken
    from worker.main import serve
    from worker.terms import Terms

    log_lines(as_json=not sys.stderr.isatty(), project=os.environ.get(PROJECT, ""))
    if metrics_port:
        serve_metrics(metrics_port, metrics_host)
    plugins = told_by_otlp(otlp, f"ballast-{serve_pool or 'worker'}")
    runtime = outspoken(f"{metrics_host}:{engine_metrics_port}" if engine_metrics_port else "")
    document = json.loads(terms.read_bytes())
    if serve_pool not in (None, Pool.trading):
        # An account and a log have one owner; nobody else even asks for their keys.
        document |= {"key": "", "secret": "", "files": {}}
    if serve_pool:
        document["queues"] = {"trading": ["trading", "trading-wait", "guard"]}.get(serve_pool, [serve_pool])
    held = secrets(secrets_folder)
    told = Terms.model_validate_json(json.dumps(held.resolved(document)))
    told.put_files()
    told.renewed_by(lambda: (held.resolved(document["key"]), held.resolved(document["secret"])))
    with renewed_passwords(document["database"], held.resolved):
        asyncio.run(serve(told, lambda: typer.echo(f"working for {told.track}"), plugins, runtime))
