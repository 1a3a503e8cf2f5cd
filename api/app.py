"""The application, put together from what it is given; nothing is read from the environment here."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from anyio import to_thread
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.middleware.gzip import GZipMiddleware

from adapters.clock import SystemClock
from adapters.objects import ObjectStore
from adapters.storage.trading_state import TradingStates
from api import problems
from api.access.headers import SecureHeaders
from api.access.limits import Buckets
from api.access.oidc import Oidc
from api.access.service import Access, Record
from api.access.setup import SetupToken
from api.answers import GZIP_BYTES_MIN, Answers
from api.reads.chain import Chains
from api.reads.changes import Changes
from api.reads.series import MarksCache
from api.reads.watched import Watched
from api.routes import (
    audit,
    benchmarks,
    engine,
    events,
    governance,
    halts,
    hours,
    market,
    models,
    monitors,
    oidc,
    operations,
    orders,
    performance,
    portfolios,
    positions,
    promotions,
    scheduler,
    session,
    universe,
    users,
    verification,
)
from api.routes.engine import Roll
from api.routes.models import Registry
from api.routes.scheduler import Scheduler
from temporal.crews import Crews
from temporal.guards import Guards
from temporal.promotions import Promoter

REQUESTS_PER_S, REQUESTS_BURST = 20.0, 100
SIGN_INS_PER_S, SIGN_INS_BURST = 0.2, 10
THREADS, VIEWS = 12, 8
"""At once. One process answers no faster by more, and a database has 15 connections for it."""

PARTS = (
    *(session, oidc, users, portfolios, positions, hours, orders),
    *(market, universe, models, promotions, halts, performance, benchmarks),
    *(operations, monitors, engine, audit, verification, governance, events, scheduler),
)


class Parts(NamedTuple):
    """What the API works with."""

    engine: Engine
    home: Path
    now: Callable[[], datetime]
    record: Record
    """Writes to the audit trail."""
    https: bool
    """Whether browsers reach it by HTTPS; cookies are then sent no other way."""
    objects: Callable[[str], ObjectStore]
    """What the hours of a track left behind."""
    temporal_ui: str | None = None
    """The namespace's page in the engine's own interface."""
    guards: Guards | None = None
    """The engine's guards; without them halting still works, by the database alone."""
    oidc: Oidc | None = None
    crews: Crews | None = None
    """Who works for the engine; without it the page says that nobody is known to."""
    promoter: Promoter | None = None
    """Changes champions; without it nobody does by the API."""
    scheduler: Scheduler | None = None
    """Who may start the hours of which track; without it nobody can."""


def application(parts: Parts) -> FastAPI:
    """The API over these parts."""
    app = FastAPI(
        title="Ballast",
        version="1",
        docs_url="/api/docs",
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_few_threads,
    )
    app.state.engine = parts.engine
    app.state.objects = parts.objects
    app.state.registry = Registry(parts.home / "models", parts.now)
    app.state.marks = MarksCache()
    app.state.answers = Answers()
    app.state.changes = Changes(parts.engine)
    app.state.trading_states = TradingStates(parts.engine, SystemClock())
    app.state.chains = Chains()
    app.state.guards = parts.guards
    app.state.promoter = parts.promoter
    app.state.roll = Roll(parts.crews, parts.now)
    app.state.watched = Watched(monotonic)
    app.state.turns = asyncio.Semaphore(VIEWS)
    app.state.record = parts.record
    app.state.access = Access(parts.engine, parts.now, parts.record)
    app.state.setup_token = SetupToken(parts.home)
    app.state.oidc = parts.oidc
    app.state.scheduler = parts.scheduler
    app.state.temporal_ui = parts.temporal_ui
    app.state.https = parts.https
    app.state.buckets = Buckets(REQUESTS_PER_S, REQUESTS_BURST, monotonic)
    app.state.sign_in_buckets = Buckets(SIGN_INS_PER_S, SIGN_INS_BURST, monotonic)
    problems.install(app)
    for part in PARTS:
        app.include_router(part.router)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_BYTES_MIN)
    app.add_middleware(SecureHeaders, https=parts.https)
    return app


@asynccontextmanager
async def _few_threads(_app: FastAPI) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
