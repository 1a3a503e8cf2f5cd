"""Reads that are asked again and again are answered once, and told again until something is written.

A record changes a few times an hour and is asked for many times a second. Every answer is kept encoded, with
the last rows that stood when it was made (`api.reads.changes`): as long as those are the last ones, the bytes
hold; a read that says by `rests_on` which parts it is made of holds until one of those moves on. Whoever asks
is known, allowed and counted each time; only the making of the answer is spared. Of many who ask at once for
what is not made yet, one makes it.
"""

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from adapters.storage.base import PortfolioKey
from api.access.guard import allowed, known
from api.access.roles import Action
from api.reads.changes import Changes
from api.scope import key_of

BYTES_MAX = 64_000_000
GZIP_BYTES_MIN = 1_000
KEPT = {"Cache-Control": "private, no-cache", "Vary": "Accept-Encoding", "Content-Type": "application/json"}
"""A browser may keep the answer, and asks each time whether it still holds."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Question = tuple[PortfolioKey, str, str]
"""Of which portfolio, path, query."""


F = TypeVar("F", bound=Callable[..., Any])


def rests_on(*parts: str) -> Callable[[F], F]:
    """A read that is made of these parts of the record alone, by their names in `Changes`."""

    def noted(read: F) -> F:
        read.__dict__["rests_on"] = parts
        return read

    return noted


class Told(NamedTuple):
    """One answer as it goes out."""

    reached: str
    """How far the record had got when it was made, or less."""
    tag: str
    plain: bytes
    packed: bytes | None

    def to(self, request: Request) -> Response:
        """For whoever asks: nothing if they have it, packed if they can unpack it."""
        headers = {"ETag": self.tag, **KEPT}
        asked = request.headers.get("if-none-match", "")
        if self.tag in {part.strip().removeprefix("W/") for part in asked.split(",")}:
            return Response(status_code=304, headers=headers)
        if self.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.packed, headers=headers | {"Content-Encoding": "gzip"})
        return Response(self.plain, headers=headers)


class Answers:
    """The answers told lately, up to `BYTES_MAX`; used by the event loop alone."""

    def __init__(self) -> None:
        self._held: OrderedDict[Question, Told] = OrderedDict()
        self._bytes = 0
        self._made: dict[tuple[Question, str], asyncio.Lock] = {}

    def find(self, question: Question, reached: str) -> Told | None:
        held = self._held.get(question)
        if held is None or held.reached != reached:
            return None
        self._held.move_to_end(question)
        return held

    def keep(self, question: Question, told: Told) -> None:
        before = self._held.pop(question, None)
        self._bytes += _size(told) - (_size(before) if before else 0)
        self._held[question] = told
        while self._bytes > BYTES_MAX:
            self._bytes -= _size(self._held.popitem(last=False)[1])

    def turn(self, question: Question, reached: str) -> asyncio.Lock:
        """Held by whoever makes this answer; the others wait for it and find it made."""
        return self._made.setdefault((question, reached), asyncio.Lock())

    def over(self, question: Question, reached: str) -> None:
        self._made.pop((question, reached), None)


class Remembered(APIRoute):
    """A route below `/api/portfolios/{portfolio}` whose reads are remembered."""

    def get_route_handler(self) -> Handler:
        make = super().get_route_handler()
        if "{portfolio}" not in self.path:
            return make

        parts: tuple[str, ...] = getattr(self.endpoint, "rests_on", ())

        async def handler(request: Request) -> Response:
            if request.method != "GET":
                return await make(request)
            answers: Answers = request.app.state.answers
            key, reached = await run_in_threadpool(_asked, request, parts)
            question = key, request.url.path, request.url.query
            told = answers.find(question, reached)
            if told is not None:
                return told.to(request)
            async with answers.turn(question, reached):
                try:
                    told = answers.find(question, reached)
                    return told.to(request) if told else await self._make(make, request, question, reached)
                finally:
                    answers.over(question, reached)

        return handler

    async def _make(self, make: Handler, request: Request, question: Question, reached: str) -> Response:
        response = await make(request)
        if response.status_code != 200 or response.headers.get("content-type") != "application/json":
            return response
        body = bytes(response.body)
        packed = await run_in_threadpool(gzip.compress, body, 6) if len(body) >= GZIP_BYTES_MIN else None
        told = Told(reached, f'"{hashlib.sha256(body).hexdigest()[:32]}"', body, packed)
        request.app.state.answers.keep(question, told)
        return told.to(request)


def _asked(request: Request, parts: tuple[str, ...]) -> tuple[PortfolioKey, str]:
    """Which portfolio a request is about, if it may ask, and how far these parts of its record have got."""
    who = allowed(known(request), Action.READ)
    key = key_of(request, who, request.path_params["portfolio"], request.query_params.get("track"))
    changes: Changes = request.app.state.changes
    reached = changes.reached(key)
    return key, "|".join(reached[part] for part in parts or reached)


def _size(told: Told) -> int:
    return len(told.plain) + len(told.packed or b"")
