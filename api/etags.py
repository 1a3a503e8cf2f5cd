"""Answers that did not change are not sent again: an ETag for every JSON read of a portfolio."""

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READS = "/api/portfolios"
KEPT = "private, no-cache"
"""A browser may keep the answer, and asks each time whether it still holds."""


class ETags:
    """Holds a read's whole body back until its digest is known; files and streams pass through."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(READS):
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope).get("if-none-match", "")
        start: Message | None = None
        body = bytearray()

        async def hold(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                json = Headers(raw=message["headers"]).get("content-type", "") == "application/json"
                if message["status"] == 200 and json:
                    start = message
                    return
            elif start is not None:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await _send(send, start, bytes(body), asked)
                return
            await send(message)

        await self._app(scope, receive, hold)


async def _send(send: Send, start: Message, body: bytes, asked: str) -> None:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    same = tag in {part.strip().removeprefix("W/") for part in asked.split(",")}
    headers = MutableHeaders(scope=start)
    headers["ETag"] = tag
    headers["Cache-Control"] = KEPT
    if same:
        del headers["content-length"]
        start["status"] = 304
        body = b""
    await send(start)
    await send({"type": "http.response.body", "body": body})
