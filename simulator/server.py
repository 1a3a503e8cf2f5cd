"""The HTTP side: an ASGI application for one venue, and what a broken connection looks like on the wire."""

import asyncio
import gzip
import json
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator.clock import Clock
from simulator.control import PREFIX, Control
from simulator.faults import Rule
from simulator.journal import Journal
from simulator.lookout import Lookout
from simulator.tape import SECOND_NS
from simulator.venue import Reply, Venue

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "::1")
SILENCE_S = 3_600.0
TICK_S = 0.05
DRIP_S = 0.5
JSON, HTML = b"application/json", b"text/html; charset=UTF-8"
PAGE = b"<!DOCTYPE html><html><head><title>Error</title></head><body>The origin did not answer.</body></html>"


class OpenConnection(HttpToolsProtocol):
    """Hands the connection to the application, which may have to cut it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {"simulator.transport": {"transport": self.transport}}


class Application:
    """Routes a request to the venue or the control, and puts the reply, or the fault, on the wire."""

    def __init__(self, venue: Venue, clock: Clock) -> None:
        self.venue, self.clock = venue, clock
        self.lookout = Lookout(venue)
        self.control = Control(venue, clock, self.lookout)

    def resume(self, journal: Journal) -> int:
        """Bring the venue to where a journal left it, and go on with the journal.

        Returns how many rows of the truth log tell what an earlier process told; 0 after a new opening.
        """
        for at_ns, command, body in journal.entries():
            if at_ns > self.venue.exchange.now_ns:
                self.venue.exchange.advance(at_ns)
            if command.startswith(PREFIX):
                self.control.answer(command.removeprefix(PREFIX), json.dumps(body).encode())
            else:
                self.venue.repeat(command, body)
            self.lookout.catch_up()
        self.venue.journal = journal
        return len(self.venue.truth.rows) if journal.resumed else 0

    def catch_up(self) -> None:
        """Let venue time go on, and wake whoever waits for what it brought."""
        self.clock.catch_up(self.venue.exchange)
        self.lookout.catch_up()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        self.catch_up()
        send = _dated(send, self.venue.exchange.now_ns)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if path.startswith("/0/public/") and method == "GET":
            query = scope["query_string"].decode("latin-1")
            reply = self.venue.public(path[10:], query, dict(parse_qsl(query)))
        elif path.startswith("/0/private/") and method == "POST":
            reply = self.venue.private(path[11:], path, headers, await _body(receive))
            self.lookout.catch_up()
        elif path.startswith("/control/") and scope["client"][0] in LOOPBACK:
            status, answer = await self._controlled(method, path[9:], scope, receive)
            await _send(send, status, json.dumps(answer).encode())
            return
        else:
            reply = Reply(b'{"error":["EGeneral:Unknown method"]}')
        if reply.fault is None:
            await _send(send, 200, reply.body)
        else:
            await _break(reply.fault, reply.body, scope, receive, send)

    async def _controlled(
        self, method: str, command: str, scope: Message, receive: Receive
    ) -> tuple[int, dict[str, Any]]:
        """What waits is asked for with GET, all else with POST."""
        if method == "GET":
            query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            return await self.lookout.answer(command, query)
        answer = self.control.answer(command, await _body(receive))
        self.lookout.catch_up()
        self.lookout.wake_drivers()
        return answer


def _dated(send: Send, now_ns: int) -> Send:
    """Every answer tells the venue's time, as the Date header of a real one does."""
    date = format_datetime(datetime.fromtimestamp(now_ns // SECOND_NS, UTC), usegmt=True).encode()

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = message | {"headers": [*message["headers"], (b"date", date)]}
        await send(message)

    return told


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _send(send: Send, status: int, body: bytes, kind: bytes = JSON, *more: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-type", kind), length, *more]}
    )
    await send({"type": "http.response.body", "body": body})


async def _break(fault: Rule, body: bytes, scope: Message, receive: Receive, send: Send) -> None:
    """Put a fault on the wire in place of the reply."""
    transport = scope["extensions"]["simulator.transport"]["transport"]
    half = body[: len(body) // 2]
    if fault.kind == "http":
        await _send(send, int(fault.args["status"]), PAGE, HTML)
    elif fault.kind == "garbled":
        await _garbled(str(fault.args.get("how", "html")), body, send)
    elif fault.kind == "slow":
        await asyncio.sleep(float(fault.args.get("for_s", 5)))
        await _send(send, 200, body)
    elif fault.kind in ("reset", "drip"):
        await _promise(send, len(body))
        pieces = [half] if fault.kind == "reset" else [body[i : i + 1] for i in range(len(body))]
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(DRIP_S if fault.kind == "drip" else TICK_S)
        await _cut(transport, receive)
    else:
        if fault.kind == "silence":
            await _gone(receive, float(fault.args.get("for_s", SILENCE_S)))
        await _cut(transport, receive)


async def _promise(send: Send, length: int) -> None:
    headers = [(b"content-type", JSON), (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _garbled(how: str, body: bytes, send: Send) -> None:
    """A reply with status 200 that is not what it should be."""
    if how == "html":
        await _send(send, 200, PAGE, HTML)
    elif how == "empty":
        await _send(send, 200, b"")
    elif how == "truncated":
        await _send(send, 200, body[: len(body) // 2])
    elif how == "type":
        await _send(send, 200, body, b"text/plain")
    elif how == "gzip":
        await _send(send, 200, gzip.compress(body)[:-9] + b"damaged", JSON, (b"content-encoding", b"gzip"))
    else:
        await _send(send, 200, body[:-1] + b"," + body[1:])


async def _gone(receive: Receive, for_s: float) -> None:
    """Wait until the client hangs up, or that long."""

    async def hung_up() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(hung_up(), for_s)
    except TimeoutError:
        return


async def _cut(transport: Any, receive: Receive) -> None:
    """Drop the connection without another byte."""
    transport.abort()
    await _gone(receive, 1.0)


def listen(port: int) -> socket.socket:
    """A socket on the loopback address; port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK[0], port))
    return listener


def address_of(listener: socket.socket) -> str:
    return "http://{}:{}".format(*listener.getsockname())


class Server(uvicorn.Server):
    """Serves one application until `should_exit` is set or the process is told to stop."""

    def __init__(self, application: Application, ready: Callable[[], None]) -> None:
        """`ready` is called once requests are answered."""
        self._application, self._ready = application, ready
        super().__init__(
            uvicorn.Config(
                application,
                http=OpenConnection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_level="warning",
                access_log=False,
                date_header=False,
                timeout_graceful_shutdown=1,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
        self._ticking = asyncio.create_task(self._tick())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ticking.cancel()
        await super().shutdown(sockets)

    async def _tick(self) -> None:
        """Keep venue time going between requests."""
        while True:
            self._application.catch_up()
            await asyncio.sleep(TICK_S)
