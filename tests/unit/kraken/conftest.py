"""A clock that only moves when told to, and a venue that answers from a script."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from adapters.kraken.auth import Credentials
from adapters.kraken.connect import private_api, public_api
from adapters.kraken.limits import PRO
from adapters.kraken.private import PrivateApi
from adapters.kraken.public import PublicApi

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
"""From Kraken's published example."""
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class FakeClock:
    """Time passes by sleeping only."""

    def __init__(self) -> None:
        self.time, self.slept = NOON, 0.0

    def now(self) -> datetime:
        return self.time

    def monotonic_s(self) -> float:
        return (self.time - NOON).total_seconds()

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept += seconds
        self.time += timedelta(seconds=seconds, microseconds=1)


class FakeKraken:
    """Answers each endpoint from its own list, the last one again and again; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.requests: list[httpx.Request] = []

    def says(self, endpoint: str, *results: Any) -> None:
        """Results, or lists of error texts, or whole responses, or exceptions of the way."""
        self.answers[endpoint] += [
            r if isinstance(r, httpx.Response | Exception) or callable(r) else envelope(r) for r in results
        ]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        endpoint = request.url.path.rpartition("/")[2]
        self.requests.append(request)
        fields = dict(parse_qsl(request.content.decode())) or dict(request.url.params)
        self.asked.append((endpoint, fields))
        left = self.answers[endpoint]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(request)
        body = httpx.ByteStream(answer.content)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=body)

    def count(self, endpoint: str) -> int:
        return sum(name == endpoint for name, _ in self.asked)


def envelope(result: Any) -> httpx.Response:
    """A result in Kraken's envelope; a list of texts is a list of errors."""
    content = {"error": result} if isinstance(result, list) else {"error": [], "result": result}
    return httpx.Response(200, content=json.dumps(content).encode())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kraken() -> FakeKraken:
    return FakeKraken()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def public(kraken: FakeKraken, clock: FakeClock, home: Path) -> Iterator[PublicApi]:
    with public_api(home, clock, seed=1, transport=httpx.MockTransport(kraken.handle_request)) as api:
        yield api


@pytest.fixture
def private(kraken: FakeKraken, clock: FakeClock, home: Path) -> Iterator[PrivateApi]:
    transport = httpx.MockTransport(kraken.handle_request)
    credentials = Credentials("the-public-key", SECRET)
    with private_api(home, credentials, clock, seed=1, tier=PRO, transport=transport) as api:
        yield api
