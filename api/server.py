"""Serve the application on one address until told to stop."""

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOREVER = "public, max-age=31536000, immutable"


class Page(StaticFiles):
    """The exported dashboard. What has a hash in its name is kept for ever, the rest is asked for anew."""

    async def check_config(self) -> None:
        """Before it was built there is simply nothing to be found."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = FOREVER if path.startswith("_next/static/") else "no-cache"
        response.headers["Cache-Control"] = kept
        return response


def with_page(app: FastAPI, exported: Path) -> FastAPI:
    """The application with the dashboard at its root, as soon as it was built."""
    app.mount("/", Page(directory=exported, html=True, check_dir=False), name="dashboard")
    return app


class Server(uvicorn.Server):
    """Calls `ready` once requests are answered."""

    def __init__(self, app: FastAPI, ready: Callable[[], None], *, proxies: str) -> None:
        """`proxies`: the addresses whose word about the caller's address and scheme is taken."""
        self._ready = ready
        super().__init__(
            uvicorn.Config(
                app,
                ws="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                timeout_graceful_shutdown=2,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def listen(host: str, port: int) -> socket.socket:
    """A socket at that address; port 0 takes a free one."""
    listener = socket.create_server((host, port))
    listener.set_inheritable(True)
    return listener
