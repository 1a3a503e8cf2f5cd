"""Times every answer. Its place in its caller's trace is FastAPI's own doing."""

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.observability import HTTP_S

NO_ROUTE = "none"
BROKEN = 500


class Observed:
    """Middleware around everything else; a route is named by its template, never by what a caller asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = perf_counter(), BROKEN

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "") or NO_ROUTE
            HTTP_S.labels(scope["method"], route, str(status)).observe(perf_counter() - begun)
