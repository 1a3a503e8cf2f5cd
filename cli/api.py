"""`ballast api`: the API and the dashboard over the database of a home."""

import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.home import HomeOption, home_dir
from cli.worker import PROJECT
from trading.errors import UsageError, VenueUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from fastapi import FastAPI

    from api.access.oidc import Oidc
    from api.routes.scheduler import Scheduler
    from cli.supervisor.house import House
    from temporal.client import Server

SEALING_KEY, SEALING_VERSION = "BALLAST_SEALING_KEY", "BALLAST_SEALING_VERSION"
TEMPORAL_KEY = "BALLAST_TEMPORAL_KEY"
"""In the environment, beside `--temporal`: what seals payloads, which one that is, Temporal Cloud's key."""
OBJECTS = "BALLAST_OBJECTS"
"""The bucket of the raw objects, gs://BUCKET/PREFIX, where they are in none of the home's folders."""
CLIENT_SECRET = "BALLAST_OIDC_CLIENT_SECRET"  # noqa: S105 - the name of a variable
GOOGLE = "https://accounts.google.com"
"""Signs what Cloud Scheduler calls with."""

ProviderOption = Annotated[
    str | None,
    typer.Option(
        help="Identity provider as ISSUER,CLIENT_ID,REDIRECT_URI; its secret comes from "
        f"{CLIENT_SECRET} in the environment."
    ),
]

SchedulerOption = Annotated[
    str | None,
    typer.Option(
        envvar="BALLAST_SCHEDULER",
        help="Let Cloud Scheduler start hours: EMAIL,AUDIENCE,TRACK (docs/deploy.md).",
    ),
]

OtlpOption = Annotated[
    str,
    typer.Option(
        envvar="BALLAST_OTLP", help="Send traces and metrics there by OTLP, as http://127.0.0.1:4318."
    ),
]

InterfaceOption = Annotated[
    str | None, typer.Option(help="The namespace's page in Temporal's own interface, for links.")
]


def api(
    database: Annotated[
        str | None,
        typer.Option(
            envvar="BALLAST_DATABASE", help="URL of the database.", show_default="of the home's --mode"
        ),
    ] = None,
    mode: Annotated[
        str, typer.Option(help="Which of the home's databases: replay, paper or live.")
    ] = "replay",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 0,
    https: Annotated[
        bool,
        typer.Option(
            "--https", help="Browsers reach it by HTTPS through a proxy: send cookies no other way."
        ),
    ] = False,
    proxies: Annotated[
        str, typer.Option(help="Addresses of proxies whose word about the caller is taken, by commas.")
    ] = "",
    temporal: Annotated[
        str | None,
        typer.Option(
            help="The engine as HOST:PORT/NAMESPACE.", show_default="the one that ran last in the home"
        ),
    ] = None,
    temporal_ui: InterfaceOption = None,
    oidc: ProviderOption = None,
    scheduler: SchedulerOption = None,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Answer Prometheus here; 0: do not.")
    ] = 0,
    metrics_host: Annotated[str, typer.Option(help="Address to answer Prometheus at.")] = "127.0.0.1",
    otlp: OtlpOption = "",
    home: HomeOption = None,
) -> None:
    """Serve the API and the dashboard until interrupted.

    `ballast up` starts this by itself. When it is ready it prints one JSON
    object with its address and, before there is a user, the link of the first
    set-up.

    Example: ballast api --port 8080
    """
    from adapters.observability import log_lines, serve_metrics
    from adapters.telemetry import told_by_otlp
    from api.observed import Observed
    from api.server import Server, listen

    log_lines(as_json=not sys.stderr.isatty(), project=os.environ.get(PROJECT, ""))
    if metrics_port:
        serve_metrics(metrics_port, metrics_host)
    told_by_otlp(otlp, "ballast-api")
    app = _application(home_dir(home), database, mode, temporal, temporal_ui, oidc, scheduler, https=https)
    listener = listen(host, port)
    line = {"address": f"http://{host}:{listener.getsockname()[1]}"}
    if not app.state.access.is_set_up():
        line["set_up"] = f"{line['address']}/set-up/?token={app.state.setup_token.secret()}"
    app.add_middleware(Observed)
    Server(app, lambda: typer.echo(json.dumps(line)), proxies=proxies).run(sockets=[listener])


def _application(
    folder: Path,
    database: str | None,
    mode: str,
    temporal: str | None,
    temporal_ui: str | None,
    oidc: str | None,
    scheduler: str | None,
    *,
    https: bool,
) -> "FastAPI":
    """The API over its database, brought up to date, with the dashboard."""
    from adapters.clock import SystemClock
    from adapters.objects import ObjectStore
    from adapters.objects_gcs import opened
    from adapters.storage.engine import connect, sqlite_url
    from adapters.storage.migrate import upgrade
    from api.app import Parts, application
    from api.records import record
    from api.routes.models import Registry
    from api.server import with_page
    from cli.models import shelf
    from cli.supervisor.dashboard import EXPORTED
    from cli.supervisor.house import House
    from temporal.crews import EngineCrews
    from temporal.guards import Guards
    from temporal.promotions import Promotions

    house = House(folder)
    file = house.database(mode)
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = connect(database or sqlite_url(file))
    upgrade(engine)
    guards = Guards(lambda: _server(temporal, house))
    crews = EngineCrews(lambda: _server(temporal, house))
    promoter = Promotions(lambda: _server(temporal, house))
    provider = _oidc(oidc) if oidc else None
    now = SystemClock().now
    caller = _scheduler(scheduler, lambda: _server(temporal, house), now) if scheduler else None

    @cache
    def objects(track: str) -> ObjectStore:
        return opened(os.environ.get(OBJECTS, ""), house.track(track) / "objects")

    app = application(
        Parts(
            engine,
            folder,
            now,
            record,
            https,
            objects,
            temporal_ui,
            guards,
            provider,
            crews,
            promoter,
            caller,
        )
    )
    app.state.registry = Registry(folder / "models", now, shelf())
    return with_page(app, EXPORTED)


def _server(named: str | None, house: "House") -> "Server":
    """Where the engine is: as it was named, or where the home's `ballast up` last had it."""
    from cli.supervisor.parts import TEMPORAL
    from temporal.client import Server

    if named is not None:
        address, _, namespace = named.partition("/")
        if not namespace:
            raise UsageError("--temporal wants HOST:PORT/NAMESPACE")
        key = os.environ.get(SEALING_KEY, "")
        keys = ((os.environ.get(SEALING_VERSION, "1"), key.encode()),) if key else ()
        return Server(address, namespace, keys, os.environ.get(TEMPORAL_KEY, ""))
    last = house.last()
    if last is None:
        raise VenueUnavailable("nothing ran here yet; `ballast up` starts the engine")
    return Server(last.addresses[TEMPORAL].removeprefix("http://"), last.namespace)


def _oidc(described: str) -> "Oidc":
    import httpx

    from api.access.oidc import Oidc, Provider

    parts = described.split(",")
    secret = os.environ.get(CLIENT_SECRET, "")
    if len(parts) != 3 or not secret:
        raise UsageError(
            f"--oidc wants ISSUER,CLIENT_ID,REDIRECT_URI, and {CLIENT_SECRET} in the environment"
        )
    issuer, client, redirect = parts
    return Oidc(Provider(issuer, client, secret, redirect), httpx.Client())


def _scheduler(described: str, server: "Callable[[], Server]", now: "Callable[[], datetime]") -> "Scheduler":
    import httpx

    from api.access.oidc import Oidc, Provider
    from api.routes.scheduler import Scheduler
    from temporal.launches import Launches

    parts = described.split(",")
    if len(parts) != 3:
        raise UsageError("--scheduler wants EMAIL,AUDIENCE,TRACK")
    email, audience, track = parts
    tokens = Oidc(Provider(GOOGLE, audience, "", ""), httpx.Client())
    return Scheduler(email, track, tokens, Launches(server), now)
